// What is being worked on, whether or not anybody still waits for it. To the runtime an exchange is over when the client hangs
// up; the refresh it asked for is not, and ending the process then would lose what the provider answers.

export interface OpenWork {
  /** Counts until the answer is there. */
  watch(answer: Response | Promise<Response>): Promise<Response>;
  /** Settles when nothing is open, after `graceSeconds` at the latest. */
  finished(graceSeconds: number): Promise<void>;
}

export function createOpenWork(): OpenWork {
  const open = new Set<Promise<unknown>>();

  async function allEnded(): Promise<void> {
    while (open.size > 0) await Promise.allSettled(open);
  }

  return {
    async watch(answer) {
      const work = Promise.resolve(answer);
      open.add(work);
      try {
        return await work;
      } finally {
        open.delete(work);
      }
    },
    async finished(graceSeconds) {
      let grace: ReturnType<typeof setTimeout> | undefined;
      const over = new Promise<void>((settle) => grace = setTimeout(settle, graceSeconds * 1000));
      await Promise.race([allEnded(), over]);
      clearTimeout(grace);
    },
  };
}

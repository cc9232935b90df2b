// What is being worked on, whether or not anybody still waits for it. To the runtime an exchange is over when the client hangs
// up; the refresh it asked for is not, and ending the process then would lose what the provider answers.

export interface OpenWork {
  /** Counts until the answer is there. */
  watch(answer: Response | Promise<Response>): Response | Promise<Response>;
  /** Settles when nothing of what is open now is open any more. */
  finished(): Promise<void>;
}

export function createOpenWork(): OpenWork {
  const open = new Set<Promise<unknown>>();

  return {
    watch(answer) {
      if (!(answer instanceof Promise)) return answer;
      const ended = () => void open.delete(answer);
      open.add(answer);
      answer.then(ended, ended);
      return answer;
    },
    async finished() {
      await Promise.allSettled(open);
    },
  };
}

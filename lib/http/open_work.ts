// What is being worked on, whether or not anybody still waits for it. To the runtime an exchange is over when the client hangs
// up; the refresh it asked for is not, and ending the process then would lose what the provider answers.

export interface OpenWork {
  /** Counts until the answer is there. */
  watch(answer: Response | Promise<Response>): Response | Promise<Response>;
  /** Settles when nothing is open any more. */
  finished(): Promise<void>;
}

export function createOpenWork(): OpenWork {
  let open = 0;
  let noneIsOpen: PromiseWithResolvers<void> | undefined;

  function ended(): void {
    open -= 1;
    if (open > 0) return;
    noneIsOpen?.resolve();
    noneIsOpen = undefined;
  }

  return {
    watch(answer) {
      if (!(answer instanceof Promise)) return answer;
      open += 1;
      answer.then(ended, ended);
      return answer;
    },
    async finished() {
      if (open > 0) await (noneIsOpen ??= Promise.withResolvers()).promise;
    },
  };
}

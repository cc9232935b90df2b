// Waiting for something that happens outside of the test's reach, such as a connection made anew in the background.

const deadlineMs = 20_000;

/** Asks again until the question is answered without an error. @throws the last error, after 20 seconds */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

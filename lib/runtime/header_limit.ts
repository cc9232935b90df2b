/** Bytes of all headers of a request together; Bun's own 16 KiB are too few for long tokens beside many cookies. */
export const maxHeaderBytes = 65_536;

/** How Bun is told at its start; the build puts it into the binary. */
export const headerLimitFlag = `--max-http-header-size=${maxHeaderBytes}`;

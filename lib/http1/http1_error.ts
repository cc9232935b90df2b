/** What went wrong between us and a server that was asked over plain HTTP/1.1. */
export class Http1Error extends Error {
  override readonly name = "Http1Error";
  /** The system's where it has one, else `malformed_answer: …`. Holds nothing of the URL or of what was sent. */
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** RFC 9112 asks for it to be refused, or it could be read in two ways. */
export function malformed(what: string): Http1Error {
  return new Http1Error(`malformed_answer: ${what}`);
}

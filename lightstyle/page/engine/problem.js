// What goes wrong, with the codes of the service's problems.

/** An error for the user: `code` as `FAILURES` in service/problems.py, and a sentence. */
export class Problem extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

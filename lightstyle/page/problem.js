// What both engines say alike: a refusal, the end of a job, the key of a request.

const FINAL = new Set(["done", "failed", "cancelled", "expired"]);

/** A request that was refused: `code` and `errors` as in a problem document. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body.code ?? "";
    this.title = body.title ?? "";
    this.errors = body.errors ?? [];
  }
}

export const isFinal = (state) => FINAL.has(state);

/** A key for a request; what would do this in one call is missing on plain HTTP. */
export const newKey = () =>
  crypto.getRandomValues(new Uint32Array(4)).join("-");

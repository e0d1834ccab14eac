/** What every answer has, and refusals as RFC 9457 problem documents. */

/** Nothing here is a page, and everybody may read it. */
export const HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Retry-After", "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "cross-origin", "referrer-policy": "no-referrer", "strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff", "x-frame-options": "DENY",
};

/** What is wrong with which field: a parameter, a part of the path, or `body`. */
export interface Issue { readonly field: string; readonly detail: string }

const TITLES = {
  "bad-parameter": "A parameter is wrong",
  "unknown-protocol": "This protocol is not served",
  "unexpected-body": "A body where none belongs",
  "not-found": "There is nothing here",
  "method-not-allowed": "This method is not known here",
  "no-snapshot": "No snapshot is loaded",
  "no-keys": "The vaults have no keys",
  "internal": "The service failed",
} as const;

export class Problem extends Error {
  readonly status: number;
  readonly kind: keyof typeof TITLES;
  readonly issues: readonly Issue[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, kind: keyof typeof TITLES, detail: string, issues: readonly Issue[] = [], headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.kind = kind;
    this.issues = issues;
    this.headers = headers;
  }

  respond(): Response {
    const { status, kind, message, issues, headers } = this;
    return new Response(JSON.stringify({ type: `urn:plimsoll:problem:${kind}`, title: TITLES[kind], status, detail: message, ...(issues.length ? { errors: issues } : {}) }), {
      status, headers: { ...HEADERS, "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
    });
  }
}

/** Real browsers: Debian's where they are installed, else those of Playwright. install.mjs brings either. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserType, type LaunchOptions, chromium, firefox } from "playwright-core";

const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

interface Known { readonly type: BrowserType; readonly paths: readonly string[]; readonly options: LaunchOptions; readonly debian: LaunchOptions }
const KNOWN = {
  chromium: { type: chromium, paths: ["/usr/bin/chromium"], options: { args: [...QUIET, "--js-flags=--expose-gc"] }, debian: {} },
  // Debian's Firefox has no protocol of Playwright's own, but WebDriver BiDi.
  firefox: { type: firefox, paths: ["/usr/bin/firefox-esr", "/usr/bin/firefox"], options: {}, debian: { channel: "moz-firefox" } },
} as const satisfies Record<string, Known>;
export type BrowserName = keyof typeof KNOWN;

/** How a browser is launched; undefined if there is none. */
export function find(name: BrowserName): (() => Promise<Browser>) | undefined {
  const { type, paths, options, debian }: Known = KNOWN[name], executablePath = paths.find(existsSync);
  if (executablePath) return () => type.launch({ ...options, ...debian, executablePath });
  return existsSync(type.executablePath()) ? () => type.launch(options) : undefined;
}

/**
 * The browsers to test in. Under `CI` one that is missing fails the tests that want it; elsewhere they are skipped, and it is said.
 */
export function browsers(...names: readonly BrowserName[]): { readonly name: BrowserName; readonly missing: boolean; readonly launch: () => Promise<Browser> }[] {
  return names.map((name) => {
    const launch = find(name), missing = !launch && !process.env["CI"];
    if (missing) console.warn(`\n!!! ${name} is not installed: its tests are SKIPPED. Run node test/browser/install.mjs\n`);
    return { name, missing, launch: launch ?? (() => { throw new Error(`${name} is not installed: run node test/browser/install.mjs`); }) };
  });
}

/** Real browsers: Debian's where they are installed, else those of Playwright; WebKit is Debian's alone. install.mjs brings either. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserType, type LaunchOptions, chromium, firefox } from "playwright-core";
import { type CommonBrowser, installed, launch as webkit } from "./webkit.js";

const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

interface Known { readonly type: BrowserType; readonly paths: readonly string[]; readonly options: LaunchOptions; readonly debian: LaunchOptions }
const KNOWN = {
  chromium: { type: chromium, paths: ["/usr/bin/chromium"], options: { args: [...QUIET, "--js-flags=--expose-gc"] }, debian: {} },
  // Debian's Firefox has no protocol of Playwright's own, but WebDriver BiDi.
  firefox: { type: firefox, paths: ["/usr/bin/firefox-esr", "/usr/bin/firefox"], options: {}, debian: { channel: "moz-firefox" } },
} as const satisfies Record<string, Known>;
export type BrowserName = keyof typeof KNOWN | "webkit";
/** WebKit has the part of a browser that all have. */
type Launch<N extends BrowserName> = () => Promise<N extends "webkit" ? CommonBrowser : Browser>;

/** How a browser is launched; undefined if there is none. */
export function find<N extends BrowserName>(name: N): Launch<N> | undefined;
export function find(name: BrowserName): (() => Promise<CommonBrowser>) | undefined {
  if (name === "webkit") return installed() ? webkit : undefined;
  const { type, paths, options, debian }: Known = KNOWN[name], executablePath = paths.find(existsSync);
  if (executablePath) return () => type.launch({ ...options, ...debian, executablePath });
  return existsSync(type.executablePath()) ? () => type.launch(options) : undefined;
}

/**
 * The browsers to test in. Under `CI` one that is missing fails the tests that want it; elsewhere they are skipped, and it is said.
 */
export function browsers<N extends BrowserName>(...names: readonly N[]): { readonly name: N; readonly missing: boolean; readonly launch: Launch<N> }[] {
  return names.map((name) => {
    const launch = find(name), missing = !launch && !process.env["CI"], how = `run node test/browser/install.mjs${name === "webkit" ? " as root on Debian" : ""}`;
    if (missing) console.warn(`\n!!! ${name} is not installed: its tests are SKIPPED. To have it, ${how}\n`);
    return { name, missing, launch: launch ?? (() => { throw new Error(`${name} is not installed: ${how}`); }) };
  });
}

/**
 * WebKit: Debian's WebKitGTK in MiniBrowser, by the protocol of WebDriver. A page is a browser of its own with a driver of its own,
 * since timers of a tab behind another hardly run; pages share a display without a screen.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as after } from "node:timers/promises";

/** What Playwright's pages and these have in common. */
export interface CommonPage {
  goto(url: string): Promise<unknown>;
  evaluate<R>(run: () => R | Promise<R>): Promise<R>;
  evaluate<R, A>(run: (arg: A) => R | Promise<R>, arg: A): Promise<R>;
  waitForFunction(run: () => unknown): Promise<unknown>;
  waitForFunction<A>(run: (arg: A) => unknown, arg: A): Promise<unknown>;
  press(selector: string, key: keyof typeof KEYS): Promise<void>;
  close(): Promise<void>;
}
export interface CommonBrowser {
  newPage(): Promise<CommonPage>;
  close(): Promise<void>;
}

const DRIVER = "/usr/bin/WebKitWebDriver", DISPLAY = "/usr/bin/Xvfb", SETPRIV = "/usr/bin/setpriv";
export const installed = () => [DRIVER, DISPLAY, SETPRIV].every(existsSync);

/** Milliseconds that a start, an answer, a script and a condition may take: less than a test has. */
const START = 60_000, ANSWER = 110_000, SCRIPT = 100_000, CONDITION = 30_000;
/** A page's language is en-US; in the locale C.UTF-8 WebKit would make it "C", which is none. */
const LOCALE = { LC_ALL: "C" };
const KEYS = { ArrowLeft: "\uE012" } as const;

/** A program in a process group of its own, which the kernel ends with this process, however that ends. */
class Program {
  readonly child: ChildProcess;
  readonly #gone: Promise<string>;
  #why: string | undefined;

  constructor(command: string, args: readonly string[], env = process.env, stdio: StdioOptions = ["ignore", "ignore", "inherit"]) {
    this.child = spawn(SETPRIV, ["--pdeathsig", "KILL", command, ...args], { detached: true, env, stdio });
    this.#gone = once(this.child, "exit").then(String, String).then((why) => (this.#why = why));
  }

  /** Asks until there is an answer; throws where the program ends before, or takes too long. */
  async until<T>(ready: () => T | Promise<T>): Promise<NonNullable<T>> {
    for (const end = Date.now() + START; Date.now() < end && this.#why === undefined; await after(20)) {
      const answer = await ready();
      if (answer) return answer;
    }
    throw new Error(`${this.child.spawnargs.join(" ")} ${this.#why === undefined ? "does not start" : `ended: ${this.#why}`}`);
  }

  async end(): Promise<void> {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, "SIGKILL"); // what it started, too, where it is gone itself
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await this.#gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => { server.close(closed); });
  return port;
}

/** A value as JSON, with undefined, bigints and infinite numbers as they are; a TypeError for arrays of numbers, functions, elements and the like. Runs in the page. */
const encode = (answer: unknown) => JSON.stringify({ answer }, (_, part: unknown) => {
  const type = typeof part;
  if (type === "undefined" || type === "bigint" || (type === "number" && !Number.isFinite(part))) return { $: [type, String(part)] };
  const plain = type !== "object" || part === null || Array.isArray(part) || Object.getPrototypeOf(part) === Object.prototype;
  if (!plain || type === "function" || type === "symbol") throw new TypeError(`no ${Object.prototype.toString.call(part)} can be brought from the page`);
  return part;
});
const DECODE: Readonly<Record<string, (text: string) => unknown>> = { undefined: () => undefined, bigint: BigInt, number: Number };
const decode = (text: string) => JSON.parse(text, (_, part) => (Array.isArray(part?.$) ? DECODE[part.$[0]]!(part.$[1]) : part));

class WebKitPage implements CommonPage {
  readonly #driver: Program;
  readonly #url: string;

  private constructor(driver: Program, url: string) {
    this.#driver = driver;
    this.#url = url;
  }

  static async open(display: string): Promise<WebKitPage> {
    const port = await freePort(), driver = new Program(DRIVER, [`--port=${port}`], { ...process.env, ...LOCALE, DISPLAY: display }), url = `http://127.0.0.1:${port}`;
    try {
      await driver.until(() => command("GET", `${url}/status`).catch((error: Error) => { if (error.name !== "TypeError") throw error; }));
      const { sessionId } = await command("POST", `${url}/session`, { capabilities: { alwaysMatch: { timeouts: { script: SCRIPT } } } }, START) as { sessionId: string };
      return new WebKitPage(driver, `${url}/session/${sessionId}`);
    } catch (error) {
      await driver.end();
      throw error;
    }
  }

  #post(path: string, body: object): Promise<unknown> { return command("POST", `${this.#url}/${path}`, body); }

  goto(url: string): Promise<unknown> { return this.#post("url", { url }); }

  async evaluate<R, A>(run: string | ((arg: A) => R | Promise<R>), arg?: A): Promise<R> {
    const script = `Promise.resolve(arguments[0]).then(${run}).then(${encode}).catch((error) => JSON.stringify({ thrown: String(error), stack: error?.stack })).then(arguments[1])`;
    const { answer, thrown, stack } = decode(await this.#post("execute/async", { script, args: [arg ?? null] }) as string);
    if (thrown !== undefined) throw new Error(`${thrown}\n${stack}`);
    return answer;
  }

  async waitForFunction<A>(run: (arg: A) => unknown, arg?: A): Promise<void> {
    const until = Date.now() + CONDITION;
    while (!(await this.evaluate<boolean, unknown>(`async (arg) => !!(await (${run})(arg))`, arg))) {
      if (Date.now() > until) throw new Error(`not within ${CONDITION} ms: ${run}`);
      await after(20);
    }
  }

  async press(selector: string, key: keyof typeof KEYS): Promise<void> {
    const [element] = Object.values(await this.#post("element", { using: "css selector", value: selector }) as Record<string, string>);
    await this.#post(`element/${element}/value`, { text: KEYS[key] });
  }

  /** The driver ends the browser; whatever does not heed it ends with the driver's group. */
  async close(): Promise<void> {
    await command("DELETE", this.#url, undefined, 5_000).catch(() => undefined);
    await this.#driver.end();
  }
}

async function command(method: string, url: string, body?: object, most = ANSWER): Promise<unknown> {
  const response = await fetch(url, { method, body: JSON.stringify(body) ?? null, signal: AbortSignal.timeout(most) });
  const { value } = await response.json() as { value: { error?: string; message?: string } | null };
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname.split("/").slice(3).join("/")}: ${value?.error}: ${value?.message}`);
  return value;
}

export async function launch(): Promise<CommonBrowser> {
  const display = new Program(DISPLAY, ["-displayfd", "3", "-screen", "0", "1440x900x24", "-nolisten", "tcp"], process.env, ["ignore", "ignore", "inherit", "pipe"]);
  const pages: Promise<WebKitPage>[] = [];
  const close = async () => {
    await Promise.allSettled(pages.map(async (page) => (await page).close()));
    await display.end();
  };
  let number = "";
  display.child.stdio[3]?.on("data", (digits) => { number += digits; });
  try {
    await display.until(() => number.endsWith("\n"));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    newPage() {
      const page = WebKitPage.open(`:${number.trim()}`);
      pages.push(page);
      return page;
    },
    close,
  };
}

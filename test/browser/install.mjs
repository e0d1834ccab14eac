// Installs the browsers that the tests drive, where they are missing: Debian's with apt as root, Playwright's own elsewhere, without WebKit.
// Without a network it says so and succeeds: then the tests decide (under CI they fail, elsewhere they skip).
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium, firefox } from "playwright-core";

/** By Debian's package: where it puts its program, and what Playwright has instead. */
const missing = [
  ["chromium", ["/usr/bin/chromium"], chromium], ["firefox-esr", ["/usr/bin/firefox-esr", "/usr/bin/firefox"], firefox],
  ["webkit2gtk-driver", ["/usr/bin/WebKitWebDriver"]], ["xvfb", ["/usr/bin/Xvfb"]],
].filter(([, paths, own]) => !paths.some(existsSync) && !(own && existsSync(own.executablePath())));
const apt = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get") && /^ID=debian$/m.test(execFileSync("cat", ["/etc/os-release"], { encoding: "utf8" }));
const names = missing.flatMap(([debian, , own]) => (apt ? debian : own?.name() ?? []));

if (names.length) {
  console.log(`Installing ${names.join(" and ")} for the tests …`);
  const run = (command, ...args) => execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"], timeout: 600_000, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  try {
    if (apt) {
      run("apt-get", "update", "-qq");
      run("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...names, "fonts-dejavu-core");
    } else {
      run(process.execPath, "node_modules/playwright-core/cli.js", "install", ...names);
    }
  } catch (error) {
    console.error(`The browsers could not be installed: ${error.message}`);
  }
}

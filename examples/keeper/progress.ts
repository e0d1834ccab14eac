/** Progress of what takes longer than a second, on stderr: a line that is redrawn on a terminal, one every few seconds elsewhere. */

const PATIENCE = 1000, REDRAW = 100, LINE = 3000; // milliseconds

export function progress(what: string, total: number): { advance(by: number): void; end(): void } {
  const terminal = process.stderr.isTTY, started = performance.now();
  let done = 0, next = started + PATIENCE, shown = false;
  return {
    advance(by) {
      done += by;
      const now = performance.now();
      if (now < next) return;
      next = now + (terminal ? REDRAW : LINE);
      shown = true;
      const line = `${what}: ${Math.floor((100 * done) / total)} %`;
      process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end() {
      if (shown && terminal) process.stderr.write("\r\x1b[K");
    },
  };
}

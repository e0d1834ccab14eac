/** What the bench runs inside of workerd: the service over and over, by its own handler; and new isolates with it. */
import service from "../examples/edge/cloudflare.js";

interface Loader {
  get(name: string, code: () => object): { getEntrypoint(): { fetch(request: Request): Promise<Response> } };
}
interface Environment {
  readonly LOADER: Loader;
  readonly SCRIPT: string;
  readonly MODULES: string;
}

const WAD = 10n ** 18n, ORIGIN = "https://edge.bench";
const priceOf = (i: number) => `${ORIGIN}/v1/maker/liquidation-price?ink=${BigInt(10 + (i % 100)) * WAD + BigInt(i)}&art=13000000000000000000000&mat=1450000000000000000000000000&val=2000000000000000000000`;

export default {
  async fetch(request: Request, environment: Environment, context: never): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url), count = Number(searchParams.get("count"));
    switch (pathname) {
      case "/price": case "/owner": {
        const owners = pathname === "/owner" ? ((await request.json()) as string[]).map((owner) => `${ORIGIN}/v1/vaults/${owner}`) : [];
        for (let i = 0; i < count; ++i) {
          const { status } = await service.fetch(new Request(owners.length ? owners[i % owners.length]! : priceOf(i)), environment as never, context);
          if (status !== 200) return new Response(`answered ${status}`, { status: 500 });
        }
        return new Response("done");
      }
      case "/cold": {
        const bytes = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
        const modules = Object.fromEntries(Object.entries(JSON.parse(environment.MODULES) as Record<string, string>).map(([name, text]) => [name, { wasm: bytes(text) }]));
        for (let i = 0; i < count; ++i) {
          const isolate = environment.LOADER.get(`cold ${searchParams.get("round")} ${i}`, () => ({ compatibilityDate: "2026-04-01", mainModule: "cloudflare.js", modules: { "cloudflare.js": environment.SCRIPT, ...modules } }));
          const answer = await isolate.getEntrypoint().fetch(new Request(priceOf(i)));
          if (answer.status !== 200) return new Response(await answer.text(), { status: 500 });
        }
        return new Response("done");
      }
    }
    return service.fetch(request, environment as never, context);
  },
};

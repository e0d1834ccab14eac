/** The second opinion on answers about Maker vaults: their figures by plain integers, from the amounts and the price that they name. */
const RAY = 10n ** 27n, WAD = 10n ** 18n;

export interface Ilk { readonly mat: bigint; readonly par: bigint; readonly rate: bigint }
interface Told { readonly exact: string }
export interface ToldVault {
  readonly owner?: string;
  readonly market: number;
  readonly status: string;
  readonly vault: { readonly ink: Told; readonly art: Told };
  readonly debt: Told;
  readonly ratio: Told | string | null;
  readonly health: Told | string | null;
  readonly price: Told;
  readonly liquidationPrice: { readonly kind: string; readonly exact: string | null };
  readonly distance: Told | null;
}

/** `Spotter.poke`. */
export const spotOf = (val: bigint, { par, mat }: Ilk): bigint => ((val * 10n ** 9n * RAY) / par) * RAY / mat;

/** What is wrong with an answer; undefined where nothing is. */
export function wrongWith({ status, vault, debt, ratio, health, price, liquidationPrice: line, distance }: ToldVault, ilk: Ilk): string | undefined {
  const ink = BigInt(vault.ink.exact), art = BigInt(vault.art.exact), val = BigInt(price.exact), owed = art * ilk.rate, spot = spotOf(val, ilk);
  const differs = (what: string, told: Told | string | null, expected: bigint | string) => {
    const seen = typeof told === "string" || told === null ? told : told.exact;
    return seen === String(expected) ? undefined : `${what} is ${seen}, not ${expected}`;
  };
  const safe = (at: bigint) => { const s = spotOf(at, ilk); return s === 0n || ink * s >= owed; };
  let first = 1n, least = 0n; // the least price that the contract takes for one
  while (!spotOf(first, ilk)) first *= 2n;
  while (first - least > 1n) { const middle = (first + least) / 2n; if (spotOf(middle, ilk)) first = middle; else least = middle; }
  const known = line.exact === null ? undefined : BigInt(line.exact);
  return differs("status", status, spot > 0n && ink * spot < owed ? "unsafe" : "safe")
    ?? differs("debt", debt, (owed + RAY - 1n) / RAY)
    ?? differs("health", health, owed ? ink * spot * WAD / owed : "infinite")
    ?? differs("ratio", ratio, owed ? ink * spot * ilk.mat / (owed * 10n ** 9n) : "infinite")
    ?? differs("the kind of its liquidation price", line.kind, safe(first) ? "never" : ink === 0n ? "always" : "price")
    ?? (known !== undefined && !(safe(known) && safe(known + 1n) && (known === 1n || !safe(known - 1n))) ? `${known} is not its liquidation price` : undefined)
    ?? (known !== undefined && val ? differs("distance", distance, (val - known) * WAD / val) : undefined);
}

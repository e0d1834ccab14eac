/**
 * MakerDAO dss in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: makerdao/dss@fa4f6630, solc 0.6.12 (`Vat`, `Spotter`, `Jug`, `Dog`, `Clipper`, the three of `abaci.sol`).
 * One function per contract call, in the contract's order of evaluation; each takes and gives the fields of its golden
 * vectors. Inputs are taken to be within the contract's own types: uint256 unless said otherwise.
 *
 * Units: wad = 1e18, ray = 1e27, rad = 1e45. `/` floors; all contract values are non-negative where divided.
 */

const BLN = 10n ** 9n;
const WAD = 10n ** 18n;
const RAY = 10n ** 27n;

const UINT_MAX = 2n ** 256n - 1n;
const INT_MAX = 2n ** 255n - 1n;
const INT_MIN = -(2n ** 255n);

type Fields<Name extends string> = Readonly<Record<Name, bigint>>;

// ---------------------------------------------------------------------------------------------------------------------
// Reverts
// ---------------------------------------------------------------------------------------------------------------------

/** No data: a bare `require`, or a failed sub-call that returned nothing. */
const BARE = "";
/** solc 0.6 divides by zero with the INVALID opcode. */
const INVALID_OPCODE = "invalid opcode";

/** The contract call reverts. `reason` as in the golden vectors: a require's string, `""`, or `"invalid opcode"`. */
export class Revert extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(`reverts: "${reason}"`);
    this.name = "Revert";
    this.reason = reason;
  }
}

export type Reverts = { reverts: true; reason: string };

/** What `fn` returns, or `{ reverts: true, reason }` if it throws a `Revert`. Any other error passes through. */
export function outcome<T>(fn: () => T): T | Reverts {
  try {
    return fn();
  } catch (error) {
    if (error instanceof Revert) return { reverts: true, reason: error.reason };
    throw error;
  }
}

function requires(condition: boolean, reason: string): void {
  if (!condition) throw new Revert(reason);
}

/** A call from one contract into another: reasons bubble up; INVALID carries no data and arrives as a bare revert. */
function subcall<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (error instanceof Revert && error.reason === INVALID_OPCODE) throw new Revert(BARE);
    throw error;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Checked arithmetic
// ---------------------------------------------------------------------------------------------------------------------

function uint(z: bigint): bigint {
  requires(z >= 0n && z <= UINT_MAX, BARE);
  return z;
}

function int(z: bigint): bigint {
  requires(z >= INT_MIN && z <= INT_MAX, BARE);
  return z;
}

// uint256 with uint256. `add` and `sub` also serve Vat's uint256 with int256, where the result must be a uint256 too.
const add = (x: bigint, y: bigint) => uint(x + y);
const sub = (x: bigint, y: bigint) => uint(x - y);
const mul = (x: bigint, y: bigint) => uint(x * y);

function div(x: bigint, y: bigint): bigint {
  requires(y !== 0n, INVALID_OPCODE);
  return x / y;
}

/** Vat's uint256 times int256 → int256. `x` must itself fit an int256, even if `y` is 0. */
function mulInt(x: bigint, y: bigint): bigint {
  return int(int(x) * y);
}

const wmul = (x: bigint, y: bigint) => mul(x, y) / WAD;
const rmul = (x: bigint, y: bigint) => mul(x, y) / RAY;
const rdiv = (x: bigint, y: bigint) => div(mul(x, RAY), y);
const min = (x: bigint, y: bigint) => (x <= y ? x : y);

/**
 * x^n in fixed point of base `b`, by squaring from the lowest bit of `n`, rounded half up at each step. `rpow` of Jug;
 * that of abaci.sol gives the same. Each result differs from the true power in its last digits, so the order matters.
 */
export function rpow(x: bigint, n: bigint, b: bigint): bigint {
  if (x === 0n) return n === 0n ? b : 0n;

  const half = b / 2n;
  const divHalfUp = (z: bigint) => (b === 0n ? 0n : add(z, half) / b); // assembly: x / 0 = 0

  let z = n % 2n === 1n ? x : b;
  for (n /= 2n; n > 0n; n /= 2n) {
    x = divHalfUp(mul(x, x));
    if (n % 2n === 1n) z = divHalfUp(mul(z, x));
  }
  return z;
}

// ---------------------------------------------------------------------------------------------------------------------
// Spotter
// ---------------------------------------------------------------------------------------------------------------------

export type SpotInput = Fields<"val" | "par" | "mat"> & { readonly has: boolean };

/** Spotter.poke: the pip's `val` (wad) over `par` and `mat` (ray), two floors. Without a valid price, 0 (ray). */
export function spot({ val, has, par, mat }: SpotInput): { spot: bigint } {
  if (!has) return { spot: 0n };
  return { spot: rdiv(rdiv(mul(val, BLN), par), mat) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Jug
// ---------------------------------------------------------------------------------------------------------------------

export type DripInput = Fields<"rate" | "duty" | "base" | "rho" | "now" | "Art" | "dai" | "debt">;

/** Jug.drip → Vat.fold. `dai` is the vow's (rad). */
export function drip(before: DripInput): Fields<"rate" | "dai" | "debt"> {
  const { rate: prev, duty, base, rho, now, Art, dai, debt } = before;
  requires(now >= rho, "Jug/invalid-now");
  const rate = rmul(rpow(add(base, duty), now - rho, RAY), prev);
  const delta = int(rate) - int(prev);

  // Vat.fold
  const rad = mulInt(Art, delta);
  return { rate: add(prev, delta), dai: add(dai, rad), debt: add(debt, rad) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Vat
// ---------------------------------------------------------------------------------------------------------------------

/** `dink` and `dart` are int256. */
export type FrobInput = Fields<
  "ink" | "art" | "Art" | "rate" | "spot" | "line" | "dust" | "debt" | "Line" | "gem" | "dai" | "dink" | "dart"
>;

/** Vat.frob on one's own urn, gem and dai. */
export function frob(before: FrobInput): Fields<"ink" | "art" | "Art" | "debt" | "gem" | "dai"> {
  const { rate, spot, line, dust, Line, dink, dart } = before;
  requires(rate !== 0n, "Vat/ilk-not-init");

  const ink = add(before.ink, dink);
  const art = add(before.art, dart);
  const Art = add(before.Art, dart);

  const dtab = mulInt(rate, dart);
  const tab = mul(rate, art);
  const debt = add(before.debt, dtab);

  // `either` and `both` are functions: both products are evaluated, and can overflow, even for a pure repayment.
  const ilkDebt = mul(Art, rate);
  requires(dart <= 0n || (ilkDebt <= line && debt <= Line), "Vat/ceiling-exceeded");
  const limit = mul(ink, spot);
  requires((dart <= 0n && dink >= 0n) || tab <= limit, "Vat/not-safe");

  requires(art === 0n || tab >= dust, "Vat/dust");

  return { ink, art, Art, debt, gem: sub(before.gem, dink), dai: add(before.dai, dtab) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Dog: the judgement
// ---------------------------------------------------------------------------------------------------------------------

export type UrnInput = Fields<"ink" | "art" | "rate" | "spot">;

/** The condition of Dog.bark's first require. `&&` is lazy: with spot = 0 nothing is multiplied, nothing overflows. */
function barkable({ ink, art, rate, spot }: UrnInput): boolean {
  return spot > 0n && mul(ink, spot) < mul(art, rate);
}

/** A vault's status as Dog.bark judges it. */
export function unsafe(urn: UrnInput): "safe" | "unsafe" | "reverts" {
  const judged = outcome(() => barkable(urn));
  if (typeof judged === "object") return "reverts";
  return judged ? "unsafe" : "safe";
}

type Judgement = { unsafe: boolean } | Reverts;
export type HealthOutput =
  | Judgement
  | (Judgement & { frobSafe: boolean })
  | (Judgement & { frobReverts: true; frobReason: string });

/**
 * Dog.bark's judgement, beside that of a Vat.frob which lands exactly on (ink, art) and makes the urn riskier: one wei
 * of ink taken from ink + 1, or, if there is no ink + 1, one wei of debt added to art - 1. If that is impossible too,
 * nothing is said of frob. Never throws.
 */
export function health(urn: UrnInput): HealthOutput {
  const judged = outcome(() => ({ unsafe: barkable(urn) }));
  const { ink, art } = urn;

  const limits = { line: UINT_MAX, Line: UINT_MAX, dust: 0n };
  const idle = { ...urn, ...limits, Art: art, debt: 0n, gem: 0n, dai: 0n, dink: 0n, dart: 0n };
  let landing: FrobInput;
  if (ink < UINT_MAX) landing = { ...idle, ink: ink + 1n, dink: -1n };
  else if (art > 0n) landing = { ...idle, art: art - 1n, Art: art - 1n, dart: 1n };
  else return judged;

  const landed = outcome(() => frob(landing));
  if (!("reverts" in landed)) return { ...judged, frobSafe: true };
  if (landed.reason === "Vat/not-safe") return { ...judged, frobSafe: false };
  return { ...judged, frobReverts: true, frobReason: landed.reason };
}

export type PokeHealthInput = SpotInput & Fields<"ink" | "art" | "rate">;
export type PokeHealthOutput = { spot: bigint; unsafe: boolean } | ({ spot: bigint } & Reverts) | Reverts;

/** Spotter.poke, then Dog.bark's judgement. A poke that reverts leaves no spot. Never throws. */
export function pokeHealth(input: PokeHealthInput): PokeHealthOutput {
  const poked = outcome(() => spot(input));
  if ("reverts" in poked) return poked;
  const { ink, art, rate } = input;
  return { ...poked, ...outcome(() => ({ unsafe: barkable({ ink, art, rate, spot: poked.spot }) })) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Dog: bark, with Vat.grab and Clipper.kick
// ---------------------------------------------------------------------------------------------------------------------

/** `tip` is uint192, `chip` uint64. `has` and `val` are the pip's at kick, independent of `spot`. */
export type BarkInput = Fields<
  | "ink" | "art" | "rate" | "spot" | "dust"
  | "chop" | "hole" | "dirt" | "Hole" | "Dirt"
  | "val" | "par" | "buf" | "tip" | "chip"
> & { readonly has: boolean };

export type BarkOutput = Fields<
  "dink" | "dart" | "due" | "tab" | "lot" | "top" | "coin" | "ink" | "art" | "dirt" | "Dirt"
>;

/** Dog.bark of a live Dog, the ilk's whole Art being this urn's; the vow's and the clipper's balances start at 0. */
export function bark(before: BarkInput): BarkOutput {
  const { ink, art, rate, spot, dust, chop, hole, dirt, Hole, Dirt } = before;
  requires(barkable({ ink, art, rate, spot }), "Dog/not-unsafe");

  requires(Hole > Dirt && hole > dirt, "Dog/liquidation-limit-hit");
  const room = min(Hole - Dirt, hole - dirt);

  let dart = min(art, div(div(mul(room, WAD), rate), chop));
  if (art > dart) {
    if (mul(art - dart, rate) < dust) {
      dart = art; // what would be left is dust: take it all, beyond the holes if need be
    } else {
      requires(mul(dart, rate) >= dust, "Dog/dusty-auction-from-partial-liquidation");
    }
  }

  const dink = div(mul(ink, dart), art);
  requires(dink > 0n, "Dog/null-auction");
  requires(dart <= 2n ** 255n && dink <= 2n ** 255n, "Dog/overflow");

  mulInt(rate, -dart); // Vat.grab's dtab: the only step of grab that can fail here

  const due = mul(dart, rate);
  const tab = wmul(due, chop);
  const DirtAfter = add(Dirt, tab);
  const dirtAfter = add(dirt, tab);
  const { top, coin } = subcall(() => kick(tab, before));

  return {
    dink, dart, due, tab, lot: dink, top, coin,
    ink: ink - dink, art: art - dart, dirt: dirtAfter, Dirt: DirtAfter,
  };
}

/** Clipper.kick for a lot above 0. Vat.suck of the coin cannot fail: the vow's sin becomes due + coin < 2^256. */
function kick(tab: bigint, { has, val, par, buf, tip, chip }: BarkInput): Fields<"top" | "coin"> {
  requires(tab > 0n, "Clipper/zero-tab");
  requires(has, "Clipper/invalid-price");
  const feedPrice = rdiv(mul(val, BLN), par);
  const top = rmul(feedPrice, buf);
  requires(top > 0n, "Clipper/zero-top-price");
  const coin = tip > 0n || chip > 0n ? add(tip, wmul(tab, chip)) : 0n;
  return { top, coin };
}

// ---------------------------------------------------------------------------------------------------------------------
// Abaci
// ---------------------------------------------------------------------------------------------------------------------

/** The price curve and its parameters: `tau`, `step` in seconds, `cut` in ray. */
export type Calc =
  | { readonly calc: "LinearDecrease"; readonly tau: bigint }
  | { readonly calc: "StairstepExponentialDecrease"; readonly cut: bigint; readonly step: bigint }
  | { readonly calc: "ExponentialDecrease"; readonly cut: bigint };

export type AuctionPriceInput = Calc & Fields<"top" | "dur">;

/** `price(top, dur)` of the three contracts of abaci.sol. */
export function auctionPrice(input: AuctionPriceInput): { price: bigint } {
  const { top, dur } = input;
  switch (input.calc) {
    case "LinearDecrease":
      if (dur >= input.tau) return { price: 0n };
      return { price: rmul(top, div(mul(input.tau - dur, RAY), input.tau)) };
    case "StairstepExponentialDecrease":
      return { price: rmul(top, rpow(input.cut, div(dur, input.step), RAY)) };
    case "ExponentialDecrease":
      return { price: rmul(top, rpow(input.cut, dur, RAY)) };
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Clipper
// ---------------------------------------------------------------------------------------------------------------------

/** `tic` is uint96. */
export type AuctionStatusInput = Calc & Fields<"top" | "tic" | "now" | "tail" | "cusp">;

/** Clipper.getStatus of a running auction. `||` is lazy: after `tail` the price is not divided by `top`. */
export function auctionStatus(input: AuctionStatusInput): { needsRedo: boolean; price: bigint } {
  const { top, tic, now, tail, cusp } = input;
  const dur = sub(now, tic);
  const { price } = subcall(() => auctionPrice({ ...input, dur }));
  return { needsRedo: dur > tail || rdiv(price, top) < cusp, price };
}

export type TakeInput = AuctionStatusInput &
  Fields<"tab" | "lot" | "chost" | "amt" | "max" | "Dirt" | "dirt" | "dai">;

export type TakeOutput = Fields<"price" | "owe" | "slice" | "tab" | "lot" | "refund" | "dirt" | "Dirt"> & {
  readonly removed: boolean;
};

/** Clipper.take of a running auction without callback data; the clipper holds `lot`, the vow's dai starts at 0. */
export function take(before: TakeInput): TakeOutput {
  const { chost, amt, max } = before;

  const { needsRedo, price } = auctionStatus(before);
  requires(!needsRedo, "Clipper/needs-reset");
  requires(max >= price, "Clipper/too-expensive");

  let slice = min(before.lot, amt);
  let owe = mul(slice, price);
  if (owe > before.tab) {
    owe = before.tab;
    slice = div(owe, price);
  } else if (owe < before.tab && slice < before.lot) {
    if (before.tab - owe < chost) {
      requires(before.tab > chost, "Clipper/no-partial-purchase");
      owe = before.tab - chost;
      slice = div(owe, price);
    }
  }

  const tab = before.tab - owe;
  const lot = before.lot - slice;

  sub(before.dai, owe); // Vat.move from the taker
  const dug = lot === 0n ? before.tab : owe; // a sold-out auction gives up what it could not raise
  const Dirt = sub(before.Dirt, dug);
  const dirt = sub(before.dirt, dug);

  const removed = lot === 0n || tab === 0n;
  return { price, owe, slice, tab, lot, removed, refund: removed ? lot : 0n, dirt, Dirt };
}

// ---------------------------------------------------------------------------------------------------------------------
// What no contract computes: the book's own figures, in unbounded integers, never reverting
// ---------------------------------------------------------------------------------------------------------------------

const divUp = (x: bigint, y: bigint) => (x + y - 1n) / y;

/** ⌈art·rate / 1e27⌉, wad. */
export function debt({ art, rate }: Fields<"art" | "rate">): bigint {
  return divUp(art * rate, RAY);
}

/** ⌊ink·spot·mat / (art·rate·1e9)⌋, wad: collateral's value over debt. Without debt, undefined. */
export function collateralRatio({ ink, art, rate, spot, mat }: UrnInput & Fields<"mat">): bigint | undefined {
  if (art * rate === 0n) return undefined;
  return (ink * spot * mat) / (art * rate * BLN);
}

/** ⌊ink·spot·1e18 / (art·rate)⌋, wad. Without debt, undefined. */
export function healthFactor({ ink, art, rate, spot }: UrnInput): bigint | undefined {
  if (art * rate === 0n) return undefined;
  return (ink * spot * WAD) / (art * rate);
}

export type LiquidationPriceInput = Fields<"ink" | "art" | "rate" | "mat" | "par">;

/**
 * The smallest `val` (wad, at least 1) such that the vault is not barkable there nor anywhere above. Every `val` below
 * that gives a spot above 0 is barkable. The answer can exceed 256 bits.
 *
 * - `"reverts"`: `par` or `mat` is 0, or art·rate does not fit 256 bits. Comes first.
 * - `"never"`: no `val` endangers the vault; so without debt, or where every `val` below gives spot 0.
 * - `"always"`: debt without ink.
 */
export function liquidationPrice(input: LiquidationPriceInput): bigint | "never" | "always" | "reverts" {
  const { ink, art, rate, mat, par } = input;
  const tab = art * rate;
  if (par === 0n || mat === 0n || tab > UINT_MAX) return "reverts";
  if (tab === 0n) return "never";
  if (ink === 0n) return "always";

  // Undo spot's floors from the outside in: ⌊x / d⌋ ≥ q ⇔ x ≥ q·d.
  const spotMin = divUp(tab, ink); // ink·spot ≥ tab
  const quotientMin = divUp(spotMin * mat, RAY); // ⌊quotient·1e27 / mat⌋ ≥ spotMin
  const valMin = divUp(quotientMin * par, BLN * RAY); // ⌊val·1e36 / par⌋ ≥ quotientMin

  const spotBelow = ((((valMin - 1n) * BLN * RAY) / par) * RAY) / mat;
  return spotBelow === 0n ? "never" : valMin;
}

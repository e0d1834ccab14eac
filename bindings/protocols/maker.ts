/**
 * MakerDAO / Sky: `Vat`, `Spotter`, `Jug`, `Dog`, `Clipper` and the price curves of `abaci.sol`, as in makerdao/dss at
 * fa4f6630. The vat, jug, spotter and dog of Sky are the same contracts.
 *
 * Units: wad 1e18, ray 1e27, rad 1e45, times in seconds. Functions take what the contracts take, up to the whole uint256,
 * and answer `{ reverts: true, reason }` where the contract reverts: its own message, `""` for checked arithmetic, and
 * `"invalid opcode"` for a division by zero in the called contract itself.
 * @module
 */
import { loadModule } from "#module/maker";
import { Module } from "../abi.js";
import {
  type Complete, type Fields, type Outcome, type Protocol, type Values, bool, checkFields, choice, contractFunction, int, needFields, or, uint,
} from "../protocol.js";
import { Book, priceFunction, ratioOf } from "../vaults.js";

const module = /* @__PURE__ */ new Module(loadModule);

const wad = uint(256, "wad"), ray = uint(256, "ray"), rad = uint(256, "rad"), seconds = uint(256, "s");
const RAY = 10n ** 27n;

/** Why the contracts revert, as assembly/rules/ilk.ts and clip.ts number it. */
const reasons = [
  "", "", "invalid opcode",
  "Dog/not-unsafe", "Dog/liquidation-limit-hit", "Dog/dusty-auction-from-partial-liquidation", "Dog/null-auction", "Dog/overflow",
  "Clipper/zero-tab", "Clipper/invalid-price", "Clipper/zero-top-price",
  "Jug/invalid-now",
  "Vat/ilk-not-init", "Vat/ceiling-exceeded", "Vat/not-safe", "Vat/dust",
  "Clipper/needs-reset", "Clipper/too-expensive", "Clipper/no-partial-purchase",
] as const;

// ---- The book's columns and figures

/** A vault (`Vat.urns`): locked collateral and normalized debt. */
const vault = { ink: uint(128, "wad"), art: uint(128, "wad") };

/** A market (an ilk), in the order of assembly/rules/ilk.ts. */
const market = {
  /** `Vat.ilks.spot`: price with the safety margin taken off. 0: nothing can be barked. */
  spot: ray,
  /** `Spotter.ilks.mat`: the liquidation ratio. */
  mat: ray,
  /** The oracle's price, as a new auction would read it; 0: the oracle has no valid price. */
  val: or(wad, 0n),
  /** `Vat.ilks.rate`: debt per normalized debt, as stored. */
  rate: ray,
  /** `Jug.ilks.duty`, `Jug.ilks.rho`: the fee a second, beside the system's `base`, and when it was last collected. */
  duty: or(ray, RAY), rho: or(seconds, 0n),
  /** `Vat.ilks.dust`: least debt of a vault. */
  dust: or(rad, 0n),
  /** `Dog.ilks.chop`: debt and penalty over debt. `hole`, `dirt`: room for auctions, and what runs. */
  chop: or(wad, 10n ** 18n), hole: or(rad, 0n), dirt: or(rad, 0n),
  /** `Clipper.buf`: starting price over the oracle's. `tip`, `chip`: the keeper's flat fee and share of the debt. */
  buf: or(ray, RAY), tip: or(uint(192, "rad"), 0n), chip: or(uint(64, "wad"), 0n),
};

/** `Spotter.par`, `Jug.base`, `Dog.Hole`, `Dog.Dirt`. */
const system = { par: ray, base: ray, Hole: rad, Dirt: rad };

/** What `bark` takes and starts: seized collateral, its normalized debt, the debt with and without penalty, the auction, what stays. */
const liquidation = {
  dink: wad, dart: wad, due: rad, tab: rad, lot: wad, top: ray, coin: rad, ink: wad, art: wad, dirt: rad, Dirt: rad,
};

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
  contractFunction(module, `maker.${name}`, `maker_${name}`, reasons, inputs, outputs);

// ---- The contracts' functions

const spot = define("spot", { val: wad, has: bool, par: ray, mat: ray }, { spot: ray });

const drip = define(
  "drip", { rate: ray, duty: ray, base: ray, rho: seconds, now: seconds, Art: wad, dai: rad, debt: rad }, { rate: ray, dai: rad, debt: rad },
);

const frob = define(
  "frob",
  {
    ink: wad, art: wad, Art: wad, rate: ray, spot: ray, line: rad, dust: rad, debt: rad, Line: rad, gem: wad, dai: rad,
    dink: int(256, "wad"), dart: int(256, "wad"),
  },
  { ink: wad, art: wad, Art: wad, debt: rad, gem: wad, dai: rad },
);

const bark = define(
  "bark",
  {
    ink: wad, art: wad, rate: ray, spot: ray, dust: rad, chop: wad, hole: rad, dirt: rad, Hole: rad, Dirt: rad,
    val: wad, has: bool, par: ray, buf: ray, tip: uint(192, "rad"), chip: uint(64, "wad"),
  },
  liquidation,
);

const urn = { ink: wad, art: wad, rate: ray, spot: ray };
const barkUnsafe = define("barkUnsafe", urn, { unsafe: bool });
const frobSafe = define("frobSafe", urn, { frobSafe: bool });

function health(inputs: Values<typeof urn>): Outcome<{ readonly unsafe: boolean }> & (
  { readonly frobSafe: boolean } | { readonly frobReverts: true; readonly frobReason: string }
) {
  checkFields("maker.health", urn, inputs);
  const judged = barkUnsafe(inputs), accepted = frobSafe(inputs);
  return { ...judged, ...(accepted.reverts ? { frobReverts: true, frobReason: accepted.reason } : { frobSafe: accepted.frobSafe }) };
}

const pokeInputs = { ink: wad, art: wad, rate: ray, val: wad, has: bool, par: ray, mat: ray };
function pokeHealth(inputs: Values<typeof pokeInputs>): Outcome<{ readonly unsafe: boolean }> & { readonly spot?: bigint } {
  checkFields("maker.pokeHealth", pokeInputs, inputs);
  const { ink, art, rate, ...oracle } = inputs, poked = spot(oracle);
  return poked.reverts ? poked : { spot: poked.spot, ...barkUnsafe({ ink, art, rate, spot: poked.spot }) };
}

const CURVES = { LinearDecrease: ["tau"], StairstepExponentialDecrease: ["cut", "step"], ExponentialDecrease: ["cut"] } as const;
const curve = {
  calc: choice(Object.keys(CURVES) as (keyof typeof CURVES)[]),
  tau: or(seconds, 0n), cut: or(ray, 0n), step: or(seconds, 0n),
};

/** An auction's price curve by the name of its contract, with that contract's parameters. */
export type Curve =
  | { readonly calc: "LinearDecrease"; readonly tau: bigint }
  | { readonly calc: "StairstepExponentialDecrease"; readonly cut: bigint; readonly step: bigint }
  | { readonly calc: "ExponentialDecrease"; readonly cut: bigint };

/** A function of an auction: what its curve needs must be there. */
function auction<I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) {
  const fields = { ...curve, ...inputs }, call = define(name, fields, outputs);
  return (values: Curve & Values<I>): Outcome<Complete<O>> => {
    checkFields(`maker.${name}`, fields, values);
    needFields(`maker.${name}`, values, CURVES[values.calc], values.calc);
    return call(values as unknown as Parameters<typeof call>[0]);
  };
}

const auctionPrice = auction("auctionPrice", { top: ray, dur: seconds }, { price: ray });

const sale = { top: ray, tic: uint(96, "s"), now: seconds, tail: seconds, cusp: ray };

const auctionStatus = auction("auctionStatus", sale, { needsRedo: bool, price: ray });

const take = auction(
  "take",
  { ...sale, tab: rad, lot: wad, chost: rad, amt: wad, max: ray, Dirt: rad, dirt: rad, dai: rad },
  { price: ray, owe: rad, slice: wad, tab: rad, lot: wad, removed: bool, refund: wad, dirt: rad, Dirt: rad },
);

// ---- What the contracts do not compute

const value = uint(512, "wad");

const quotientOf = <I extends Fields>(name: string, inputs: I) => {
  const call = define(name, inputs, { value });
  return (values: Values<I>): bigint | number | undefined => {
    const answer = call(values);
    return answer.reverts ? undefined : ratioOf(answer.value);
  };
};

const collateralRatio = quotientOf("collateralRatio", { ...urn, mat: ray });

const healthFactor = quotientOf("healthFactor", urn);

const debtOf = define("debt", { art: wad, rate: ray }, { value });
function debt(inputs: { readonly art: bigint; readonly rate: bigint }): bigint {
  return (debtOf(inputs) as { readonly value: bigint }).value;
}

const liquidationPrice = priceFunction(
  module, "maker.liquidationPrice", "maker_liquidationPrice", { ink: wad, art: wad, rate: ray, mat: ray, par: ray },
);

/** MakerDAO / Sky for `openBook`, and every reproduced function of its contracts. */
export interface Maker extends Protocol<typeof vault, typeof market, typeof system, typeof liquidation> {
  /** `Spotter.poke`: spot from the oracle's `val` (wad) and whether it is valid, `par` and `mat` (ray). */
  readonly spot: typeof spot;
  /** `Jug.drip` with `Vat.fold`: the rate at `now`; `dai` of the vow and the system's `debt` after it (rad). */
  readonly drip: typeof drip;
  /**
   * Whether `Dog.bark` judges the vault unsafe (`ink·spot < art·rate` with `spot` > 0), and whether `Vat.frob` accepts a
   * riskier change that lands on it (`art·rate ≤ ink·spot`). Each may revert by itself.
   */
  readonly health: typeof health;
  /** `Spotter.poke`, then `Dog.bark`'s judgement at the new `spot`; `spot` is there also where only the judgement reverts. */
  readonly pokeHealth: typeof pokeHealth;
  /** `Vat.frob` by the vault's owner: the state after `dink` and `dart` (int256, wad). */
  readonly frob: typeof frob;
  /** `Dog.bark` with `Vat.grab` and `Clipper.kick`; `val`, `has`: the oracle when the auction starts. */
  readonly bark: typeof bark;
  /** `calc.price(top, dur)`: the price (ray) of an auction that started at `top`, `dur` seconds ago. */
  readonly auctionPrice: typeof auctionPrice;
  /** `Clipper.getStatus`: price now, and whether the auction must be redone (later than `tail`, or below `cusp` of `top`). */
  readonly auctionStatus: typeof auctionStatus;
  /** `Clipper.take` of up to `amt` at no more than `max`; `dai` is the taker's. `tab` and `lot` after it as in its event. */
  readonly take: typeof take;
  /**
   * Collateral value over debt, ⌊ink·spot·mat / (art·rate·1e9)⌋, wad. `Infinity` without debt; undefined where `ink·spot` or
   * `art·rate` overflows, as it would in the contract.
   */
  readonly collateralRatio: typeof collateralRatio;
  /** The same over what the liquidation ratio asks, ⌊ink·spot·1e18 / (art·rate)⌋, wad: unsafe below 1e18. */
  readonly healthFactor: typeof healthFactor;
  /** Debt with fees, ⌈art·rate / 1e27⌉, wad, of any width. */
  readonly debt: typeof debt;
  /** The smallest `val` ≥ 1 (wad) such that the vault cannot be barked at any `val` ≥ it. */
  readonly liquidationPrice: typeof liquidationPrice;
}

export const maker: Maker = {
  name: "maker", module, kind: { Book }, rule: 0, vault, market, system, price: "val", liquidation, reasons, orders: ["profit"],
  spot, drip, health, pokeHealth, frob, bark, auctionPrice, auctionStatus, take,
  collateralRatio, healthFactor, debt, liquidationPrice,
};

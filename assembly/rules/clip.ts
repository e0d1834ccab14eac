/**
 * Maker's auctions: the price curves of `abaci.sol` and `Clipper.getStatus`, `Clipper.take` of makerdao/dss@fa4f6630,
 * re-implemented from the formulas. Prices ray, tab and owe rad, lot and slice wad, times in seconds.
 */
import {
  arg, begin, div, end, isNil, less, min, mul, pow, ray, require, result, resultFlag, reverted, sub, u256, withoutReason, word,
} from "../wide/u256";

namespace Why { export const NEEDS_RESET = 16, TOO_EXPENSIVE = 17, NO_PARTIAL = 18; }

/** Which curve; the order of the names in bindings/protocols/maker.ts. */
namespace Calc { export const LINEAR = 0, STAIRSTEP = 1; }

/** `calc.price(top, dur)`. Of `tau`, `cut`, `step` each curve reads its own. */
function curve(calc: u64, tau: u256, cut: u256, step: u256, top: u256, dur: u256): u256 {
  if (calc == Calc.LINEAR) {
    if (!less(dur, tau)) return word(0);
    return div(mul(top, div(mul(sub(tau, dur), ray()), tau)), ray());
  }
  const n = calc == Calc.STAIRSTEP ? div(dur, step) : dur;
  if (reverted()) return n;
  return div(mul(top, pow(cut, n, ray())), ray());
}

/** arguments: calc, tau, cut, step, top, dur */
export function auctionPrice(): i32 {
  begin();
  result(0, curve(arg(0).lo1, arg(1), arg(2), arg(3), arg(4), arg(5)));
  return end();
}

let needsRedo: bool = false;

/** `Clipper.status` of the arguments calc, tau, cut, step, top, tic, now, tail, cusp; the price. */
function status(): u256 {
  const top = arg(4), dur = sub(arg(6), arg(5));
  needsRedo = false;
  if (reverted()) return dur;
  const price = curve(arg(0).lo1, arg(1), arg(2), arg(3), top, dur);
  withoutReason();
  needsRedo = less(arg(7), dur) || less(div(mul(price, ray()), top), arg(8));
  return price;
}

export function auctionStatus(): i32 {
  begin();
  const price = status();
  resultFlag(0, needsRedo);
  result(1, price);
  return end();
}

/** arguments: those of `status`, then tab, lot, chost, amt, max, Dirt, dirt, dai */
export function take(): i32 {
  begin();
  const price = status(), tab = arg(9), lot = arg(10), chost = arg(11);
  if (reverted()) return end();
  require(!needsRedo, Why.NEEDS_RESET);
  require(!less(arg(13), price), Why.TOO_EXPENSIVE);
  let slice = min(lot, arg(12)), owe = mul(slice, price);
  if (reverted()) return end();
  if (less(tab, owe)) {
    owe = tab;
    slice = div(owe, price);
  } else if (less(owe, tab) && less(slice, lot) && less(sub(tab, owe), chost)) {
    require(less(chost, tab), Why.NO_PARTIAL);
    owe = sub(tab, chost);
    slice = div(owe, price);
  }
  const left = sub(tab, owe), rest = sub(lot, slice);
  sub(arg(16), owe);
  const dug = isNil(rest) ? tab : owe; // digs: what is left of tab is forgiven with the last of the lot
  const gone = isNil(rest) || isNil(left);
  result(0, price);
  result(1, owe);
  result(2, slice);
  result(3, left);
  result(4, rest);
  resultFlag(5, gone);
  result(6, gone ? rest : word(0));
  result(7, sub(arg(15), dug));
  result(8, sub(arg(14), dug));
  return end();
}

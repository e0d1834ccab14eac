import { maker } from "plimsoll/maker";
import { UnusablePrice, serve } from "../served.js";

const RAY = 10n ** 27n;

export const MAKER = serve({
  protocol: maker, priceDecimals: 18, debtDecimals: 18, price: "val", defaults: { rate: RAY, par: RAY },
  /** As `Spotter.poke` sets it. */
  at(val, { mat }, { par }) {
    const poked = maker.spot({ val, has: val > 0n, par: par!, mat: mat! });
    if (poked.reverts) throw new UnusablePrice(`is one at which Spotter.poke reverts${poked.reason && `: ${poked.reason}`}`);
    return { val, spot: poked.spot };
  },
});

import { liquityV2 } from "plimsoll/liquity-v2";
import { serve } from "../served.js";

export const LIQUITY_V2 = serve({
  protocol: liquityV2, priceDecimals: 18, debtDecimals: 18, price: "price", defaults: { stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: 0n },
  without: ["batch", "batchDebtShares"],
});

import { liquityV1 } from "plimsoll/liquity-v1";
import { serve } from "../served.js";

export const LIQUITY_V1 = serve({ protocol: liquityV1, priceDecimals: 18, debtDecimals: 18, price: "price", defaults: { stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n } });

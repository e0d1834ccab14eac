import { morpho } from "plimsoll/morpho";
import { serve } from "../served.js";

export const MORPHO = serve({ protocol: morpho, priceDecimals: 36, price: "price" });

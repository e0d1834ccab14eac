/**
 * Plimsoll: exact, fast health checks for very large sets of debt positions.
 * @module
 */
export { openBook } from "./book.js";
export type { AccountBook, AccountBookOf, AccountInspection, AccountPlanOptions, AccountPlanStep, AccountPrice } from "./accounts.js";
export type { BookOptions, Changes, Columns, Flips, Ids, LeastAmount, MostAmount, Order, PlanOptions, PlanStep, Query, Scenario, Status, Target, WhatIf } from "./book.js";
export { PlimsollError } from "./errors.js";
export type { ErrorCode } from "./errors.js";
export { MAX_U128, toLimbs, valueAt } from "./hits.js";
export type { Figures, Hit, Hits } from "./hits.js";
export type { Key } from "./keys.js";
export type { LevelQuery, LevelSums, Levels } from "./levels.js";
export type { AccountProtocol, Complete, Field, Fields, LiquidationPrice, Outcome, Protocol, Values } from "./protocol.js";
export type { Book, BookOf, Inspection, Liquidation } from "./vaults.js";

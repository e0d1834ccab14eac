/** What a book of accounts has of its own. */
export {
  reserveAccounts, reserveLines, loadAccounts, readAccount, rewriteAccount, translate, lay, inspectAccount, accountPrice,
} from "../accounts";
export { startScenario } from "../book";

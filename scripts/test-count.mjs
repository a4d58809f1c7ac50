// Prints `N passed, N failed` from the report that the test run left; fails when there is none or when it is empty.
import { existsSync, readFileSync } from 'node:fs';

const report = new URL('../test-results/report.json', import.meta.url);
if (!existsSync(report)) {
  console.log('the tests left no report\n0 passed, 1 failed');
  process.exit(1);
}
const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
  readFileSync(report, 'utf8'),
);
// a file that does not load has no tests, and has failed all the same
const broken = testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failed = numFailedTests + broken;
const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
console.log(`${numPassedTests} passed, ${failed} failed${skipped}`);
process.exit(failed > 0 || numPassedTests === 0 ? 1 : 0);

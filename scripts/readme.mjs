// Writes what is printed from the table of options: README's configuration and .env.example.
import { readFileSync, writeFileSync } from 'node:fs';
import { envExample, markdownTable } from '../src/config/describe.ts';

const readme = new URL('../README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');
const [open, close] = ['<!-- options -->', '<!-- /options -->'];
const start = text.indexOf(open) + open.length;
writeFileSync(readme, `${text.slice(0, start)}\n${markdownTable()}\n${text.slice(text.indexOf(close))}`);
writeFileSync(new URL('../.env.example', import.meta.url), envExample());

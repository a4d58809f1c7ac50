import type { Random } from '../lib/random.ts';

export interface Described {
  readonly brand: string;
  readonly model: string;
  readonly categoryId: number;
  readonly colour: string;
}

/** So many products come with a whole data sheet: long enough that PostgreSQL stores it out of line. */
const WITH_SHEET = 0.06;

const USES = [
  '',
  'para o dia a dia',
  'para treinos e academia',
  'para corridas de rua',
  'para a quadra',
  'para manobras na pista',
  'para ocasiões sociais',
];
const UPPERS = [
  'cabedal em couro legítimo',
  'cabedal em mesh respirável',
  'cabedal em knit sem costuras',
  'cabedal em camurça',
  'cabedal em lona resistente',
  'cabedal sintético de fácil limpeza',
];
const SOLES = [
  'solado de borracha antiderrapante',
  'entressola de EVA macia',
  'entressola com retorno de energia',
  'solado vulcanizado',
  'palmilha anatômica removível',
  'placa de estabilidade no mediopé',
];
const CARE = [
  'Limpe com pano úmido e sabão neutro.',
  'Não use máquina de lavar.',
  'Seque à sombra, longe de fontes de calor.',
  'Guarde em local arejado.',
];
const PARTS = [
  'Cabedal',
  'Forro',
  'Língua',
  'Atacador',
  'Palmilha',
  'Entressola',
  'Solado',
  'Contraforte',
  'Biqueira',
  'Ilhós',
];
const MATERIALS = [
  'poliéster',
  'algodão',
  'EVA',
  'TPU',
  'borracha natural',
  'couro bovino',
  'poliamida',
  'elastano',
  'poliuretano',
  'fibra reciclada',
];

/** A product's text in Portuguese: a sentence or two for most, a data sheet of some kilobytes for a few. */
export function describeProduct(product: Described, random: Random): string {
  const { brand, model, categoryId, colour } = product;
  const use = USES[categoryId] ?? USES[1];
  const intro = `Tênis ${brand} ${model} na cor ${colour.toLowerCase()}, ${use}: ${random.pick(UPPERS)} e ${random.pick(SOLES)}. ${random.pick(CARE)}`;
  return random.chance(WITH_SHEET) ? `${intro}\n\n${dataSheet(random)}` : intro;
}

/** Measures and lot numbers do not repeat: even compressed they do not fit into the row. */
function dataSheet(random: Random): string {
  const lines = ['Ficha técnica'];
  for (let i = 0; i < 110; i++) {
    const share = random.int(5, 95);
    const lot = random
      .int(0, 2 ** 32 - 1)
      .toString(36)
      .toUpperCase();
    const batch = random
      .int(0, 2 ** 32 - 1)
      .toString(36)
      .toUpperCase();
    lines.push(
      `${random.pick(PARTS)}: ${share}% ${random.pick(MATERIALS)}, ${100 - share}% ${random.pick(MATERIALS)}; ${random.int(80, 420)} g/m², lote ${lot}-${batch}`,
    );
  }
  return lines.join('\n');
}

/**
 * Models by brand as `name|category|audiences|rank`: ids of table `categorias` (1 Casual … 6 Social), audiences out of M
 * (Masculino), F (Feminino), U (Unissex), and the rank of the price within the shop, 0 cheapest to 100 dearest (how these
 * models stand to each other in Brazilian shops in 2025; own estimate). Prices follow from the rank: see products.ts.
 */
export const modelsByBrand: readonly (readonly [brandId: number, code: string, models: readonly string[]])[] =
  [
    [
      1,
      'NIK',
      [
        'Air Max 90|1|MFU|91',
        'Air Force 1 07|1|MFU|86',
        'Dunk Low Retro|5|U|89',
        'Revolution 7|3|MF|47',
        'Pegasus 41|3|MF|93',
        'Court Vision Low|1|MF|57',
        'SB Charge Canvas|5|U|45',
        'LeBron Witness 8|4|U|81',
        'Downshifter 13|3|MF|44',
        'Flex Experience 12|2|MF|40',
        'Vomero 18|3|MF|97',
        'Giannis Immortality 4|4|U|73',
      ],
    ],
    [
      2,
      'ADI',
      [
        'Samba OG|1|U|84',
        'Superstar|1|U|75',
        'Stan Smith|1|MF|70',
        'Ultraboost 5|3|MF|96',
        'Duramo SL 2|3|MF|43',
        'Grand Court 2.0|1|MF|42',
        'Runfalcon 5|3|MF|35',
        'Campus 00s|5|U|79',
        'Gazelle Indoor|1|F|82',
        'Response Runner|3|M|38',
        'Trae Young Unlimited 2|4|U|69',
      ],
    ],
    [
      3,
      'PUM',
      [
        'Suede Classic|1|U|62',
        'Palermo|1|U|66',
        'Velocity Nitro 3|3|MF|80',
        'Carina Street|1|F|41',
        'Caven 2.0|1|MF|39',
        'Softride Pro|2|MF|48',
        'MB.03|4|U|88',
        'Flyer Runner|3|MF|26',
      ],
    ],
    [
      4,
      'MIZ',
      [
        'Wave Prophecy 13|2|MF|100',
        'Wave Creation 25|3|MF|99',
        'Wave Rider 28|3|MF|92',
        'Cool Ride 2|3|MF|28',
        'Space 4|3|MF|24',
        'Jet 7|3|MF|22',
        'Wave Titan 3|2|M|36',
      ],
    ],
    [
      5,
      'ASI',
      [
        'Gel-Kayano 31|3|MF|98',
        'Gel-Nimbus 27|3|MF|97',
        'Gel-Cumulus 26|3|MF|85',
        'Gel-Rebound|2|MF|33',
        'Gel-Equation 13|3|MF|34',
        'Japan S|1|U|49',
        'Hypersonic|3|MF|30',
        'Gel-1130|1|U|78',
      ],
    ],
    [
      6,
      'VAN',
      [
        'Old Skool|5|U|56',
        'Authentic|5|U|46',
        'Sk8-Hi|5|U|63',
        'Ultrarange EXO|1|U|65',
        'Knu Skool|5|U|72',
        'Ward|1|MF|44',
        'Rowan Pro|5|M|67',
      ],
    ],
    [
      7,
      'CON',
      [
        'Chuck Taylor All Star|1|U|29',
        'Chuck 70|1|U|59',
        'Run Star Hike|1|F|76',
        'Star Player 76|1|U|53',
        'One Star Pro|5|U|58',
        'All Star Lift|1|F|37',
        'Weapon CX|4|U|71',
      ],
    ],
    [
      8,
      'NEW',
      [
        '574 Core|1|MFU|74',
        '530|1|U|83',
        '9060|1|U|95',
        'Fresh Foam 1080 v14|3|MF|94',
        '480 Low|1|U|64',
        'Numeric 272|5|U|61',
        'Fresh Foam Arishi v4|3|MF|50',
        'Two WXY v5|4|U|90',
      ],
    ],
    [
      9,
      'REE',
      [
        'Classic Leather|1|MF|52',
        'Club C 85|1|U|51',
        'Nano X5|2|MF|77',
        'Energen Tech 2|3|MF|27',
        'Royal Complete|1|MF|25',
        'Floatride Energy 6|3|MF|60',
        'Question Mid|4|U|87',
      ],
    ],
    [
      10,
      'OLY',
      [
        'Corre 4|3|MF|54',
        'Corre Grafeno 3|3|MF|68',
        'Corre Vento 2|3|MF|55',
        'Advance|3|MF|16',
        'Ultraleve|2|MF|10',
        'Essential|6|MF|8',
        'Diffuse 3|2|MF|14',
        'Eros|2|F|6',
        'Quadra 2|4|U|18',
        'Urban Slip|6|MF|4',
        'Marte|2|M|2',
        'Social Flex|6|M|20',
        'Perfect 3|2|F|12',
        'Solar|1|U|1',
      ],
    ],
  ];

export const colours: readonly (readonly [name: string, code: string])[] = [
  ['Preto', 'PRT'],
  ['Branco', 'BRC'],
  ['Cinza', 'CNZ'],
  ['Azul Marinho', 'AZM'],
  ['Azul', 'AZL'],
  ['Vermelho', 'VRM'],
  ['Verde', 'VRD'],
  ['Verde Militar', 'VML'],
  ['Bege', 'BGE'],
  ['Rosa', 'RSA'],
  ['Lilás', 'LIL'],
  ['Amarelo', 'AMR'],
  ['Laranja', 'LRJ'],
  ['Marrom', 'MRM'],
];

/** Sizes by audience (Brazilian numbering), as tables of shoe shops have them. */
export const sizesByAudience: Readonly<Record<'M' | 'F' | 'U', readonly number[]>> = {
  M: [38, 39, 40, 41, 42, 43, 44],
  F: [34, 35, 36, 37, 38, 39],
  U: [35, 36, 37, 38, 39, 40, 41, 42, 43],
};

/**
 * Shares of the cents at the end of a price among all prices that end in .90, .00 or .99
 * (Olist: .90 34.7 %, .00 29.5 %, .99 18.3 % of 112,650 items).
 */
export const priceEndings: readonly (readonly [cents: number, share: number])[] = [
  [90, 0.347],
  [0, 0.295],
  [99, 0.183],
];

/**
 * Log-normal list prices of the shop in R$: median and sigma. Own assumption for a Brazilian sneaker shop, chosen so
 * that the median order (1.14 items, with discount and freight) is about R$ 280.
 */
export const priceShape = { medianBrl: 254, sigma: 0.455 } as const;

/** Gross margin as part of the price; assumption: Brazilian shoe retail marks up to about twice the cost. */
export const marginRange = { min: 0.38, max: 0.56 } as const;

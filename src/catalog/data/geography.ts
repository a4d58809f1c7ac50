import type { State } from '../types.ts';

/**
 * Orders by state of the public Olist data set (Kaggle, doi 10.34740/KAGGLE/DSV/195341; 99,441 orders, 2016–2018):
 * the weight with which a customer lives in a state.
 */
export const ordersByState: Readonly<Record<State, number>> = {
  SP: 41746, RJ: 12852, MG: 11635, RS: 5466, PR: 5045, SC: 3637, BA: 3380, DF: 2140, ES: 2033, GO: 2020, PE: 1652, CE: 1336,
  PA: 975, MT: 907, MA: 747, MS: 715, PB: 536, PI: 495, RN: 485, AL: 413, SE: 350, TO: 280, RO: 253, AM: 148, AC: 81, AP: 68, RR: 46,
};

/** The ninth digit of a CPF names the fiscal region in which it was issued (Receita Federal). */
export const cpfRegionDigit: Readonly<Record<State, number>> = {
  RS: 0, DF: 1, GO: 1, MT: 1, MS: 1, TO: 1, AC: 2, AP: 2, AM: 2, PA: 2, RO: 2, RR: 2, CE: 3, MA: 3, PI: 3, AL: 4, PB: 4, PE: 4, RN: 4,
  BA: 5, SE: 5, MG: 6, ES: 7, RJ: 7, SP: 8, PR: 9, SC: 9,
};

/**
 * Cities as `name|DDD|first CEP prefix|last CEP prefix|weight`: area codes by Anatel's numbering plan, five-digit
 * prefixes within the ranges of the Correios, weights about the inhabitants in thousands (IBGE, Censo 2022, rounded).
 */
export const citiesByState: Readonly<Record<State, readonly string[]>> = {
  SP: [
    'São Paulo|11|01000|05999|11450', 'Guarulhos|11|07000|07399|1291', 'Campinas|19|13000|13139|1139', 'São Bernardo do Campo|11|09600|09899|810',
    'Santo André|11|09000|09299|748', 'Osasco|11|06000|06299|728', 'Sorocaba|15|18000|18109|723', 'Ribeirão Preto|16|14000|14114|698',
    'São José dos Campos|12|12200|12249|697', 'São José do Rio Preto|17|15000|15104|480', 'Santos|13|11000|11249|418', 'Bauru|14|17000|17109|379',
    'Presidente Prudente|18|19000|19109|225',
  ],
  RJ: [
    'Rio de Janeiro|21|20000|23799|6211', 'São Gonçalo|21|24400|24799|896', 'Duque de Caxias|21|25000|25499|808', 'Nova Iguaçu|21|26000|26299|785',
    'Niterói|21|24000|24399|481', 'Campos dos Goytacazes|22|28000|28149|483', 'Petrópolis|24|25600|25779|278', 'Volta Redonda|24|27200|27299|261',
  ],
  MG: [
    'Belo Horizonte|31|30000|31999|2315', 'Uberlândia|34|38400|38415|713', 'Contagem|31|32000|32399|621', 'Juiz de Fora|32|36000|36109|540',
    'Montes Claros|38|39400|39409|414', 'Uberaba|34|38000|38099|337', 'Governador Valadares|33|35000|35109|257', 'Divinópolis|37|35500|35509|231',
    'Varginha|35|37000|37109|136',
  ],
  ES: ['Serra|27|29160|29184|520', 'Vila Velha|27|29100|29129|467', 'Cariacica|27|29140|29159|353', 'Vitória|27|29000|29099|322', 'Cachoeiro de Itapemirim|28|29300|29329|185'],
  PR: [
    'Curitiba|41|80000|82999|1773', 'Londrina|43|86000|86109|555', 'Maringá|44|87000|87109|409', 'Ponta Grossa|42|84000|84109|358', 'Cascavel|45|85800|85829|348',
    'São José dos Pinhais|41|83000|83189|329', 'Foz do Iguaçu|45|85850|85871|285', 'Francisco Beltrão|46|85600|85609|96',
  ],
  SC: [
    'Joinville|47|89200|89239|616', 'Florianópolis|48|88000|88099|537', 'Blumenau|47|89000|89099|361', 'São José|48|88100|88123|270', 'Itajaí|47|88300|88319|264',
    'Chapecó|49|89800|89816|254', 'Criciúma|48|88800|88819|214',
  ],
  RS: [
    'Porto Alegre|51|90000|91999|1332', 'Caxias do Sul|54|95000|95124|463', 'Canoas|51|92000|92449|347', 'Pelotas|53|96000|96099|325', 'Santa Maria|55|97000|97119|271',
    'Novo Hamburgo|51|93300|93599|227', 'Passo Fundo|54|99000|99099|206',
  ],
  DF: ['Brasília|61|70000|72799|2817'],
  GO: ['Goiânia|62|74000|74899|1437', 'Aparecida de Goiânia|62|74900|74999|527', 'Anápolis|62|75000|75149|398', 'Rio Verde|64|75900|75919|225'],
  TO: ['Palmas|63|77000|77249|302', 'Araguaína|63|77800|77849|171', 'Gurupi|63|77400|77469|85'],
  MT: ['Cuiabá|65|78000|78099|650', 'Várzea Grande|65|78110|78174|300', 'Rondonópolis|66|78700|78750|244', 'Sinop|66|78550|78564|196'],
  MS: ['Campo Grande|67|79000|79124|898', 'Dourados|67|79800|79849|243', 'Três Lagoas|67|79600|79659|132'],
  AC: ['Rio Branco|68|69900|69924|364', 'Cruzeiro do Sul|68|69980|69981|91'],
  RO: ['Porto Velho|69|76800|76834|460', 'Ji-Paraná|69|76900|76914|124'],
  BA: [
    'Salvador|71|40000|42599|2417', 'Feira de Santana|75|44000|44109|616', 'Vitória da Conquista|77|45000|45109|370', 'Camaçari|71|42800|42849|299',
    'Juazeiro|74|48900|48914|237', 'Itabuna|73|45600|45619|186',
  ],
  SE: ['Aracaju|79|49000|49098|602', 'Nossa Senhora do Socorro|79|49160|49169|192', 'Itabaiana|79|49500|49509|103'],
  PE: ['Recife|81|50000|52999|1488', 'Jaboatão dos Guararapes|81|54000|54599|643', 'Petrolina|87|56300|56354|386', 'Caruaru|81|55000|55099|378', 'Olinda|81|53000|53399|349'],
  AL: ['Maceió|82|57000|57099|957', 'Arapiraca|82|57300|57320|234'],
  PB: ['João Pessoa|83|58000|58099|833', 'Campina Grande|83|58400|58449|419'],
  RN: ['Natal|84|59000|59139|751', 'Mossoró|84|59600|59649|264', 'Parnamirim|84|59140|59161|252'],
  CE: ['Fortaleza|85|60000|61599|2428', 'Caucaia|85|61600|61659|355', 'Juazeiro do Norte|88|63000|63069|286', 'Sobral|88|62010|62113|203'],
  PI: ['Teresina|86|64000|64099|866', 'Parnaíba|86|64200|64219|162', 'Picos|89|64600|64609|83'],
  PA: ['Belém|91|66000|66999|1303', 'Ananindeua|91|67000|67199|478', 'Santarém|93|68000|68109|331', 'Marabá|94|68500|68514|266'],
  AM: ['Manaus|92|69000|69099|2063', 'Itacoatiara|92|69100|69109|103', 'Tefé|97|69550|69559|73'],
  RR: ['Boa Vista|95|69300|69339|413'],
  AP: ['Macapá|96|68900|68914|442', 'Santana|96|68925|68929|107'],
  MA: ['São Luís|98|65000|65109|1037', 'Imperatriz|99|65900|65919|273', 'Timon|99|65630|65639|174'],
};

/** Names of streets and quarters that towns all over Brazil share. */
export const streetNames: readonly string[] = [
  'das Acácias', 'das Flores', 'Sete de Setembro', 'Quinze de Novembro', 'Tiradentes', 'Dom Pedro II', 'Duque de Caxias', 'Rui Barbosa', 'Santos Dumont',
  'Getúlio Vargas', 'Marechal Deodoro', 'Marechal Floriano', 'Barão do Rio Branco', 'José Bonifácio', 'Castro Alves', 'Machado de Assis', 'Monteiro Lobato',
  'Princesa Isabel', 'São José', 'São João', 'São Paulo', 'Santa Catarina', 'Minas Gerais', 'Bahia', 'Pernambuco', 'Amazonas', 'dos Ipês', 'das Palmeiras',
  'das Mangueiras', 'do Comércio', 'da Independência', 'da Liberdade', 'XV de Agosto', 'Primeiro de Maio', 'Osvaldo Cruz', 'Carlos Gomes', 'Gonçalves Dias',
  'Olavo Bilac', 'Visconde de Mauá', 'Bento Gonçalves', 'Benjamin Constant', 'Voluntários da Pátria', 'Joaquim Nabuco', 'Coronel Oliveira', 'Padre Anchieta',
  'Frei Caneca', 'Nossa Senhora Aparecida', 'Beira Rio', 'dos Bandeirantes', 'Presidente Kennedy',
];
export const streetKinds: readonly (readonly [string, number])[] = [['Rua', 78], ['Avenida', 15], ['Travessa', 4], ['Alameda', 3]];
export const quarters: readonly string[] = [
  'Centro', 'Jardim América', 'Jardim das Flores', 'Vila Nova', 'Santa Cruz', 'São Francisco', 'Boa Vista', 'Bela Vista', 'Alto da Glória', 'Santo Antônio',
  'São José', 'Nossa Senhora de Fátima', 'Jardim Paulista', 'Vila Mariana', 'Parque Industrial', 'Cidade Nova', 'Planalto', 'Industrial', 'Liberdade',
  'Santa Luzia', 'São Cristóvão', 'Morada do Sol', 'Jardim Europa', 'Parque das Nações', 'Universitário', 'São Pedro', 'Novo Horizonte', 'Aeroporto',
  'Primavera', 'Santa Mônica', 'Vila Rica', 'São Sebastião', 'Cidade Jardim', 'Alvorada', 'Jardim Botânico', 'Floresta', 'Santa Rita', 'São Vicente',
];

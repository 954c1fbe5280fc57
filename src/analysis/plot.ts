/** Plots as SVG text, by Apache ECharts rendering without a browser. */

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Half-lengths of error bars, one a point. */
  readonly errors?: readonly number[] | undefined;
  /** Default line. */
  readonly style?: 'line' | 'points' | 'steps' | undefined;
}

export interface Plot {
  readonly title: string;
  /** Axis names with units. */
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
  readonly logarithmic?: boolean;
  /** Only whole numbers along x. */
  readonly counted?: boolean;
}

const [WIDTH, HEIGHT] = [760, 480];

/** The plot as a self-contained SVG file. */
export async function renderSvg(plot: Plot): Promise<string> {
  // Loaded here, for it takes a third of a second that only plots should cost.
  const { init } = await import('echarts');
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    const axis = (name: string) => ({
      ...{ name, nameLocation: 'middle' as const, nameGap: 34, scale: true },
      axisLine: { show: true, onZero: false },
    });
    const kind = plot.logarithmic ? ('log' as const) : ('value' as const);
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      title: { text: plot.title, left: 'center', textStyle: { fontSize: 15 } },
      legend: { bottom: 0, show: plot.curves.length > 1, type: 'plain' },
      grid: { left: 70, right: 24, top: 44, bottom: plot.curves.length > 1 ? 84 : 56 },
      xAxis: { ...axis(plot.x), type: kind, ...(plot.counted && { minInterval: 1 }) },
      yAxis: { ...axis(plot.y), nameGap: 50, type: kind },
      series: plot.curves.flatMap((curve) => [...seriesOf(curve, plot.logarithmic === true)]),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function* seriesOf({ name, points, errors, style = 'line' }: Curve, logarithmic: boolean) {
  // A logarithm shows nothing at or below 0, and gaps are better than a failure.
  const shown = points.filter(
    ([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!logarithmic || (x > 0 && y > 0)),
  );
  yield style === 'points'
    ? { type: 'scatter' as const, name, data: shown.map(([x, y]) => [x, y]), symbolSize: 7 }
    : {
        ...{ type: 'line' as const, name, data: shown.map(([x, y]) => [x, y]), showSymbol: false },
        ...(style === 'steps' && { step: 'middle' as const }),
      };
  if (errors === undefined) return;
  const bars = points.flatMap(([x, y], i) => (errors[i] > 0 ? [[x, y - errors[i], y + errors[i]]] : []));
  yield {
    type: 'custom' as const,
    name,
    data: bars,
    encode: { x: 0, y: [1, 2] },
    renderItem: (
      _: unknown,
      api: { value(k: number): unknown; coord(at: unknown[]): number[]; visual(key: string): unknown },
    ) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const [, high] = api.coord([api.value(0), api.value(2)]);
      const bar = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line' as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: String(api.visual('color')), lineWidth: 1 },
      });
      return {
        type: 'group' as const,
        children: [bar(x, low, x, high), bar(x - 3, low, x + 3, low), bar(x - 3, high, x + 3, high)],
      };
    },
  };
}

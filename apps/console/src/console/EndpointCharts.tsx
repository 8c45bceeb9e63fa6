import { BarChart, LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Stack } from '@mantine/core';
import type { EndpointStatistics } from '../broker/answers';
import { Section } from '../parts/PageFrame';
import { duration, number } from '../parts/words';

const hour = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });
const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });

/** How an endpoint has been answering. A table says the same to whoever cannot see the pictures. */
export default function EndpointCharts({ statistics }: { statistics: EndpointStatistics }) {
  const short = statistics.hours <= 24;
  const data = statistics.buckets.map((bucket) => ({
    at: (short ? hour : day).format(new Date(bucket.at)),
    Succeeded: bucket.succeeded,
    Failed: bucket.attempts - bucket.succeeded,
    Median: bucket.median_ms === null ? null : Math.round(bucket.median_ms),
    '95th percentile': bucket.p95_ms === null ? null : Math.round(bucket.p95_ms),
  }));
  return (
    <Stack gap="lg">
      <Section title="Attempts">
        <div aria-hidden="true">
          <BarChart
            h={230}
            data={data}
            dataKey="at"
            type="stacked"
            withLegend
            legendProps={{ verticalAlign: 'top', height: 36 }}
            tickLine="none"
            gridAxis="x"
            series={[
              { name: 'Succeeded', color: 'teal.6' },
              { name: 'Failed', color: 'red.6' },
            ]}
            valueFormatter={number}
            barChartProps={{ accessibilityLayer: false }}
          />
        </div>
        <Spoken statistics={statistics} />
      </Section>
      <Section title="Response time">
        <div aria-hidden="true">
          <LineChart
            h={230}
            data={data}
            dataKey="at"
            withLegend
            legendProps={{ verticalAlign: 'top', height: 36 }}
            tickLine="none"
            gridAxis="x"
            connectNulls={false}
            curveType="monotone"
            series={[
              { name: 'Median', color: 'water.6' },
              { name: '95th percentile', color: 'orange.6' },
            ]}
            valueFormatter={duration}
            dotProps={{ r: 2 }}
            lineChartProps={{ accessibilityLayer: false }}
          />
        </div>
      </Section>
    </Stack>
  );
}

function Spoken({ statistics }: { statistics: EndpointStatistics }) {
  return (
    <div className="visually-hidden">
      <table>
        <caption>Attempts and answer times</caption>
        <thead>
          <tr>
            <th>From</th>
            <th>Attempts</th>
            <th>Succeeded</th>
            <th>Median</th>
          </tr>
        </thead>
        <tbody>
          {statistics.buckets
            .filter(({ attempts }) => attempts > 0)
            .map((bucket) => (
              <tr key={bucket.at}>
                <td>{new Date(bucket.at).toLocaleString('en')}</td>
                <td>{bucket.attempts}</td>
                <td>{bucket.succeeded}</td>
                <td>{bucket.median_ms === null ? 'none' : duration(bucket.median_ms)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}

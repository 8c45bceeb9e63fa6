import { Text } from '@mantine/core';
import type { AuditEntry } from '../broker/answers';
import { useApiList } from '../broker/queries';
import { AuditIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { EndlessTable } from '../parts/EndlessTable';
import { PageFrame, Section } from '../parts/PageFrame';
import { dateAndTime, shortId } from '../parts/words';

const actors = { api_key: 'API key', operator: 'Operator', member: 'Member', it_admin: 'IT admin' };

/** Who changed what, when and from where. */
export default function AuditLog() {
  const acts = useApiList<AuditEntry>('/audit_log', {}, { everyMs: 15_000 });
  return (
    <PageFrame
      title="Audit log"
      about="Who changed what, when and from where: members, API keys, and IT admins by their setup links. It never holds secrets, and nobody can change it."
    >
      <Section padding={0}>
        <EndlessTable
          query={acts}
          label="audit log"
          keyOf={({ id }) => id}
          rowHeight={56}
          columns={[
            {
              head: 'What',
              width: 'minmax(0, 1.6fr)',
              cell: (one) => (
                <>
                  <Text size="sm" fw={550}>
                    {inWords(one.act)}
                  </Text>
                  {one.fields.length > 0 && (
                    <Text size="xs" c="dimmed">
                      {one.fields.join(', ')}
                    </Text>
                  )}
                </>
              ),
              below: (one) => one.actor.name ?? actors[one.actor.type],
            },
            {
              head: 'Who',
              width: 'minmax(0, 1.2fr)',
              cell: (one) => (
                <>
                  {one.actor.name ?? actors[one.actor.type]}
                  {one.actor.name !== null && (
                    <Text size="xs" c="dimmed">
                      {actors[one.actor.type]}
                    </Text>
                  )}
                </>
              ),
              wideOnly: true,
            },
            {
              head: 'Target',
              width: 'minmax(0, 1.2fr)',
              cell: (one) => <span className="mono">{one.targets.map(shortId).join(' ')}</span>,
              wideOnly: true,
            },
            { head: 'From', width: '130px', cell: (one) => <span className="mono">{one.remote_address ?? ''}</span>, wideOnly: true },
            { head: 'When', width: 'minmax(96px, 176px)', align: 'end', cell: (one) => dateAndTime(one.at) },
          ]}
          nothing={
            <Nothing icon={<AuditIcon size={24} />} title="Nothing yet">
              Every change from now on is recorded here.
            </Nothing>
          }
        />
      </Section>
    </PageFrame>
  );
}

/** `createWebhookEndpoint` as people say it. */
function inWords(act: string): string {
  const words = act.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

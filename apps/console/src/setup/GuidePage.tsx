import { Alert, Box, List, Stack, Text } from '@mantine/core';
import { useParams } from 'react-router';
import { ProviderMark, WarningIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { PageFrame } from '../parts/PageFrame';
import { providerNames } from '../parts/words';
import { guides } from './guides';
import classes from './setup.module.css';
import { useSetup } from './setup-session';
import { Watch } from './Watch';

/** One guide, step by step, beside what is being received. */
export function GuidePage() {
  const { guide: id } = useParams();
  const { vendor } = useSetup();
  const guide = guides.find((one) => one.id === id);
  if (!guide) return <Nothing title="Guide not found">Go back and choose your identity provider.</Nothing>;
  const { Steps } = guide;
  return (
    <PageFrame
      title={`${providerNames[guide.provider]} → ${vendor.name}`}
      titleMark={<ProviderMark provider={guide.provider} size={26} />}
      back={{ to: '/', label: 'Choose another identity provider or method' }}
      about={guide.method}
    >
      <Box className={classes.columns}>
        <Stack gap="lg">
          <Text size="sm">
            <b>You need:</b> {guide.needs}
          </Text>
          <ol className={classes.steps}>
            <Steps />
          </ol>
          {guide.pitfalls.length > 0 && (
            <Alert color="yellow" icon={<WarningIcon />} title="What often goes wrong">
              <List size="sm" spacing={6}>
                {guide.pitfalls.map((pitfall, i) => (
                  <List.Item key={i}>{pitfall}</List.Item>
                ))}
              </List>
            </Alert>
          )}
        </Stack>
        <Watch />
      </Box>
    </PageFrame>
  );
}

import {
  ActionIcon,
  Alert,
  Autocomplete,
  Box,
  Button,
  Collapse,
  Group,
  NativeSelect,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { Link } from 'react-router';
import { Problem } from '../broker/call';
import { useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { AttributeMapping, MappedAttribute, MappingPreview, RemapBegun, RuleAction } from '../broker/answers';
import { ChevronDownIcon, CrossIcon, PlusIcon } from '../icons';
import { Refusal } from '../parts/Answer';
import { Section } from '../parts/PageFrame';
import { count, number } from '../parts/words';
import { type AttributeDraft, draftOf, emptyAttribute, emptyRole, type MappingDraft, mappingOf, type RoleDraft } from './mapping-draft';
import classes from './MappingEditor.module.css';

const typeNames: { value: MappedAttribute['type']; label: string }[] = [
  { value: 'string', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'True or false' },
  { value: 'date', label: 'Date' },
  { value: 'string_list', label: 'List of texts' },
  { value: 'object', label: 'Object' },
];

const paths = [
  'userName',
  'userType',
  'title',
  'displayName',
  'nickName',
  'preferredLanguage',
  'locale',
  'timezone',
  'emails[type eq "work"].value',
  'phoneNumbers[type eq "work"].value',
  'addresses[type eq "work"].country',
  'roles[primary eq true].value',
  'entitlements.value',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division',
  'urn:ietf:params:scim:schemas:extension:2.0:Metadata:*',
];

const ruleNames: [rule: Exclude<keyof AttributeMapping['rules'], 'unknown_path'>, name: string, about: string][] = [
  ['invalid_value', 'A value that is not valid', 'It has the wrong type, is not one of the allowed values, or does not match the pattern'],
  ['missing_required', 'A required attribute without a value', 'It has no default either'],
  ['foreign_domain', 'An e-mail address outside the organization’s domains', 'If the organization lists any domains'],
  ['email_elsewhere', 'An e-mail address that is active in another organization', 'Within this environment'],
];

const unknownPath = {
  name: 'A change of an attribute that the schema does not have',
  about: 'Rejected, nothing else in the same request is done either, such as deactivating somebody',
};

const unknownPathActions: { value: AttributeMapping['rules']['unknown_path']; label: string }[] = [
  { value: 'reject', label: 'Reject' },
  { value: 'ignore', label: 'Pass over, with a note' },
];

const actions: { value: RuleAction; label: string }[] = [
  { value: 'reject', label: 'Reject' },
  { value: 'warn', label: 'Accept with a warning' },
  { value: 'ignore', label: 'Accept' },
];

/** Edits a mapping, of an environment or of a directory, with a preview of what it would do to the users that are there. */
export function MappingEditor({ mapping, path, onSaved }: { mapping: AttributeMapping; path: string; onSaved?: () => void }) {
  const { mayChange } = useHere();
  const [draft, setDraft] = useState<MappingDraft>(() => draftOf(mapping));
  const [preview, setPreview] = useState<MappingPreview | undefined>();
  const previewing = useWrite<MappingPreview>(() => ({ path: `${path}/preview`, body: mappingOf(draft) }), setPreview);
  const saving = useWrite<Partial<RemapBegun>>(
    () => ({ path, method: 'PUT', body: mappingOf(draft) }),
    (answer) => {
      setPreview(undefined);
      notifications.show({ message: answer.remap_id ? 'Saved. Users are being remapped.' : 'Saved.', color: 'teal' });
      onSaved?.();
    },
  );
  const change = (to: Partial<MappingDraft>): void => {
    setDraft({ ...draft, ...to });
    setPreview(undefined);
  };
  const error = saving.error ?? previewing.error;

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        previewing.mutate();
      }}
    >
      <fieldset disabled={!mayChange} className={classes.fieldset}>
        <Stack gap="lg">
          <Section
            title="Attributes"
            about="Read from what the identity provider sends, converted, and passed on as the “attributes” of the user."
            padding={draft.attributes.length === 0 ? 'lg' : 0}
            actions={
              mayChange && <Add label="Add an attribute" onClick={() => change({ attributes: [...draft.attributes, emptyAttribute()] })} />
            }
          >
            {draft.attributes.length === 0 && (
              <Text size="sm" c="dimmed">
                None. Name, e-mail, title, department and the like need no mapping.
              </Text>
            )}
            {draft.attributes.map((attribute, i) => (
              <AttributeRow
                key={attribute.key}
                attribute={attribute}
                faults={faultsAt(error, `attributes/${i}`)}
                onChange={(to) => change({ attributes: draft.attributes.map((one) => (one === attribute ? to : one)) })}
                onRemove={() => change({ attributes: draft.attributes.filter((one) => one !== attribute) })}
              />
            ))}
          </Section>

          <Section
            title="Roles"
            about={draft.mode === 'one' ? 'The first rule that matches decides.' : 'Every rule that matches adds its role.'}
            actions={mayChange && <Add label="Add a rule" onClick={() => change({ roles: [...draft.roles, emptyRole()] })} />}
            padding={0}
          >
            <Group p="lg" gap="lg" align="flex-end" className={classes.row}>
              <Box>
                <Text size="sm" fw={600} mb={4}>
                  A user has
                </Text>
                <SegmentedControl
                  aria-label="How many roles a user has"
                  value={draft.mode}
                  onChange={(mode) => change({ mode })}
                  data={
                    [
                      { value: 'one', label: 'one role' },
                      { value: 'many', label: 'many roles' },
                    ] as const
                  }
                  disabled={!mayChange}
                />
              </Box>
              <TextInput
                label="Default role"
                placeholder="none"
                value={draft.fallbackRole}
                onChange={(event) => change({ fallbackRole: event.currentTarget.value })}
                error={faultsAt(error, 'roles/default')['']}
              />
            </Group>
            {draft.roles.map((rule, i) => (
              <RoleRow
                key={rule.key}
                n={i + 1}
                rule={rule}
                faults={faultsAt(error, `roles/rules/${i}`)}
                onChange={(to) => change({ roles: draft.roles.map((one) => (one === rule ? to : one)) })}
                onRemove={() => change({ roles: draft.roles.filter((one) => one !== rule) })}
                onRaise={i === 0 ? undefined : () => change({ roles: draft.roles.toSpliced(i - 1, 2, rule, draft.roles[i - 1] ?? rule) })}
              />
            ))}
          </Section>

          <Section
            title="Rules"
            about="What happens when a write breaks a rule. A rejection names the attribute as the identity provider sent it, and what would be right."
          >
            <Stack>
              {ruleNames.map(([rule, name, about]) => (
                <RuleRow
                  key={rule}
                  name={name}
                  about={about}
                  value={draft.rules[rule]}
                  actions={actions}
                  onChange={(value) => change({ rules: { ...draft.rules, [rule]: value } })}
                />
              ))}
              <RuleRow
                name={unknownPath.name}
                about={unknownPath.about}
                value={draft.rules.unknown_path}
                actions={unknownPathActions}
                onChange={(value) => change({ rules: { ...draft.rules, unknown_path: value } })}
              />
            </Stack>
          </Section>

          <Refusal error={error} />
          {preview && <Preview preview={preview} />}
          {mayChange && (
            <Group>
              <Button type="submit" variant="default" loading={previewing.isPending}>
                Preview
              </Button>
              <Button onClick={() => saving.mutate()} loading={saving.isPending}>
                Save
              </Button>
              <Text size="sm" c="dimmed">
                A preview changes nothing.
              </Text>
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  );
}

function RuleRow<Action extends string>({
  name,
  about,
  value,
  actions,
  onChange,
}: {
  name: string;
  about: string;
  value: Action;
  actions: { value: Action; label: string }[];
  onChange: (to: Action) => void;
}) {
  const { mayChange } = useHere();
  return (
    <Group justify="space-between" gap="sm">
      <Box style={{ flex: '1 1 260px' }}>
        <Text size="sm" fw={500}>
          {name}
        </Text>
        <Text size="sm" c="dimmed">
          {about}
        </Text>
      </Box>
      <SegmentedControl aria-label={name} size="sm" value={value} onChange={onChange} data={actions} disabled={!mayChange} />
    </Group>
  );
}

function Add({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button size="xs" variant="default" leftSection={<PlusIcon size={15} />} onClick={onClick}>
      {label}
    </Button>
  );
}

/** What the broker said of one part of the body: by field, and under '' of the part itself. */
function faultsAt(error: Error | null, pointer: string): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  return Object.fromEntries(
    Object.entries(error.fields).flatMap(([at, detail]) => {
      if (at === pointer) return [['', detail]];
      return at.startsWith(`${pointer}/`) ? [[at.slice(pointer.length + 1).split('/')[0] ?? '', detail]] : [];
    }),
  );
}

function AttributeRow({
  attribute,
  faults,
  onChange,
  onRemove,
}: {
  attribute: AttributeDraft;
  faults: Record<string, string>;
  onChange: (to: AttributeDraft) => void;
  onRemove: () => void;
}) {
  const [more, setMore] = useState(
    attribute.pattern !== '' || attribute.lookup !== '' || attribute.split !== '' || attribute.constant !== '',
  );
  const set = (to: Partial<AttributeDraft>): void => onChange({ ...attribute, ...to });
  const called = attribute.name || 'the new attribute';
  return (
    <Box p="lg" className={classes.row} role="group" aria-label={`Attribute ${called}`}>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="md">
        <TextInput
          label="Name"
          placeholder="plan"
          value={attribute.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={faults.name ?? faults['']}
        />
        <NativeSelect
          label="Type"
          data={typeNames}
          value={attribute.type}
          onChange={(event) => set({ type: event.currentTarget.value as MappedAttribute['type'] })}
          error={faults.type}
        />
        <TagsInput
          label="From"
          description="The first path with a value is used"
          placeholder={attribute.from.length === 0 ? 'userType' : undefined}
          data={paths}
          maxDropdownHeight={260}
          value={attribute.from}
          onChange={(from) => set({ from })}
          error={faults.from}
          disabled={attribute.constant !== ''}
          maxTags={5}
        />
        <TagsInput
          label="Allowed values (optional)"
          placeholder={attribute.allowed.length === 0 ? 'Premium' : undefined}
          value={attribute.allowed}
          onChange={(allowed) => set({ allowed })}
          error={faults.allowed_values}
        />
        <TextInput
          label="Default (optional)"
          description="Used when nothing is sent"
          value={attribute.fallback}
          onChange={(event) => set({ fallback: event.currentTarget.value })}
          error={faults.default}
        />
        <Stack gap="xs" justify="flex-end" pb={6}>
          <Switch label="Required" checked={attribute.required} onChange={(event) => set({ required: event.currentTarget.checked })} />
          <Switch label="Trim spaces" checked={attribute.trim} onChange={(event) => set({ trim: event.currentTarget.checked })} />
        </Stack>
      </SimpleGrid>
      <Group justify="space-between" mt="sm">
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          rightSection={<ChevronDownIcon size={14} />}
          onClick={() => setMore(!more)}
          aria-expanded={more}
          aria-label={`${more ? 'Less' : 'More'} of ${called}`}
        >
          {more ? 'Less' : 'More'}
        </Button>
        <Button size="compact-sm" variant="subtle" color="red" onClick={onRemove} aria-label={`Remove ${called}`}>
          Remove
        </Button>
      </Group>
      <Collapse expanded={more}>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="md" mt="sm">
          <NativeSelect
            label="Letters"
            data={['as sent', 'lower', 'upper']}
            value={attribute.letters}
            onChange={(event) => set({ letters: event.currentTarget.value as AttributeDraft['letters'] })}
          />
          <TextInput
            label="Split at (optional)"
            description="Turns a text into a list"
            placeholder=","
            value={attribute.split}
            onChange={(event) => set({ split: event.currentTarget.value })}
            error={faults.transform}
          />
          <TextInput
            label="Pattern (optional)"
            description="A regular expression"
            placeholder="^[A-Z]{2}$"
            className="mono"
            value={attribute.pattern}
            onChange={(event) => set({ pattern: event.currentTarget.value })}
            error={faults.pattern}
          />
          <Textarea
            label="Lookup (optional)"
            description="One per line: sent = wanted"
            placeholder={'E1 = Premium\nE2 = Standard'}
            autosize
            minRows={2}
            value={attribute.lookup}
            onChange={(event) => set({ lookup: event.currentTarget.value })}
          />
          <TextInput
            label="Constant (optional)"
            description="JSON, used instead of a path"
            placeholder={'"eu-west"'}
            value={attribute.constant}
            onChange={(event) => set({ constant: event.currentTarget.value })}
            error={faults.constant}
          />
        </SimpleGrid>
      </Collapse>
    </Box>
  );
}

function RoleRow({
  n,
  rule,
  faults,
  onChange,
  onRemove,
  onRaise,
}: {
  n: number;
  rule: RoleDraft;
  faults: Record<string, string>;
  onChange: (to: RoleDraft) => void;
  onRemove: () => void;
  onRaise: (() => void) | undefined;
}) {
  const set = (to: Partial<RoleDraft>): void => onChange({ ...rule, ...to });
  return (
    <Group p="lg" gap="md" align="flex-start" className={classes.row} role="group" aria-label={`Role rule ${n}`}>
      <Text size="sm" fw={650} w={22} mt={30} aria-hidden="true">
        {n}.
      </Text>
      <NativeSelect
        label="By"
        w={130}
        data={[
          { value: 'group', label: 'a group' },
          { value: 'external_id', label: 'a group’s id' },
          { value: 'attribute', label: 'an attribute' },
        ]}
        value={rule.kind}
        onChange={(event) => set({ kind: event.currentTarget.value as RoleDraft['kind'] })}
      />
      {rule.kind !== 'attribute' ? (
        <>
          {rule.kind === 'group' ? (
            <TextInput
              label="Members of"
              description="Of several of that name, the oldest"
              placeholder="IT Admins"
              style={{ flex: '1 1 160px' }}
              value={rule.group}
              onChange={(event) => set({ group: event.currentTarget.value })}
              error={faults.group ?? faults['']}
            />
          ) : (
            <TextInput
              label="Members of"
              description="externalId, as the identity provider sends it"
              placeholder="0d5b7c4e-6f3a-4f0f-9d0c-5a3c0d1c7a11"
              className="mono"
              style={{ flex: '1 1 160px' }}
              value={rule.externalId}
              onChange={(event) => set({ externalId: event.currentTarget.value })}
              error={faults.group_external_id ?? faults['']}
            />
          )}
          <TextInput
            label="get the role"
            placeholder="admin"
            style={{ flex: '1 1 140px' }}
            value={rule.role}
            onChange={(event) => set({ role: event.currentTarget.value })}
            error={faults.role}
          />
        </>
      ) : (
        <>
          <Autocomplete
            label="Take the role from"
            placeholder="roles[primary eq true].value"
            data={paths}
            style={{ flex: '1 1 220px' }}
            value={rule.from}
            onChange={(from) => set({ from })}
            error={faults.role_from ?? faults['']}
          />
          <Textarea
            label="Lookup (optional)"
            placeholder="App.Admin = admin"
            autosize
            minRows={1}
            style={{ flex: '1 1 180px' }}
            value={rule.lookup}
            onChange={(event) => set({ lookup: event.currentTarget.value })}
            error={faults.lookup}
          />
        </>
      )}
      <Group gap={4} mt={27}>
        <Tooltip label="Move up">
          <ActionIcon variant="default" disabled={!onRaise} onClick={onRaise} aria-label={`Move rule ${n} up`}>
            <Box style={{ transform: 'rotate(180deg)', display: 'grid' }}>
              <ChevronDownIcon size={15} />
            </Box>
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Remove">
          <ActionIcon variant="subtle" color="red" onClick={onRemove} aria-label={`Remove rule ${n}`}>
            <CrossIcon size={15} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  );
}

function Preview({ preview }: { preview: MappingPreview }) {
  const { page } = useHere();
  const of = preview.complete ? count(preview.users, 'user') : `the first ${number(preview.users)} users`;
  return (
    <Section title="Preview" padding={0}>
      <Alert color={preview.failing > 0 ? 'red' : 'teal'} radius={0} role="status">
        Of {of}, {number(preview.changed)} would change, and{' '}
        {preview.failing === 0
          ? 'nobody would be rejected.'
          : `${count(preview.failing, 'active user')} ${preview.failing === 1 ? 'breaks' : 'break'} a rule: they stay as they are, and their next write would be rejected.`}
      </Alert>
      {preview.reasons.map((reason) => (
        <Box key={`${reason.rule} ${reason.attribute} ${reason.wanted}`} px="lg" py="sm" className={classes.row}>
          <Text size="sm">
            <b>{count(reason.users, 'user')}</b>: <span className="mono">{reason.path}</span>{' '}
            {reason.rule === 'missing_required' ? 'has no value' : 'is not valid'}; expected is {reason.wanted}.
          </Text>
        </Box>
      ))}
      {preview.costly_patterns.map(({ attribute, pattern, users }) => (
        <Box key={`costly ${attribute}`} px="lg" py="sm" className={classes.row}>
          <Text size="sm">
            <b>{count(users, 'user')}</b>: the pattern <span className="mono">{pattern}</span> of {attribute} costs too much.
          </Text>
        </Box>
      ))}
      {preview.examples.map((example) => (
        <Box key={example.user.id} px="lg" py="sm" className={classes.row}>
          <Link to={page(`/users/${example.user.id}`)}>{example.user.user_name}</Link>
          {example.problems.map((problem) => (
            <Text key={problem.detail} size="sm" c="var(--mantine-color-error)">
              {problem.detail}
            </Text>
          ))}
          <Text size="sm" className="mono" mt={4}>
            {shown(example.before)} → {shown(example.after)}
          </Text>
        </Box>
      ))}
    </Section>
  );
}

function shown({ attributes, roles }: MappingPreview['examples'][number]['before']): string {
  const parts = Object.entries(attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  if (roles.length > 0) parts.push(`roles: ${roles.map(({ role }) => role).join(', ')}`);
  return parts.join(', ') || 'nothing';
}

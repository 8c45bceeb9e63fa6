import { useApi } from '../broker/queries';
import type { AttributeMapping } from '../broker/answers';
import { Answer, Sketch } from '../parts/Answer';
import { PageFrame } from '../parts/PageFrame';
import { MappingEditor } from './MappingEditor';
import { RemapProgress } from './RemapProgress';

/** What becomes of a user's SCIM resource: the environment's mapping, which holds for every directory without its own. */
export default function Mapping() {
  const mapping = useApi<AttributeMapping>('/attribute_mapping');
  return (
    <PageFrame
      title="Mapping"
      about="What your product gets about a user beyond the standard fields: your own attributes, roles, and what is rejected. It applies to every directory that does not have its own mapping."
    >
      <RemapProgress />
      <Answer query={mapping} sketch={<Sketch lines={10} />}>
        {(one) => <MappingEditor key={JSON.stringify(one)} mapping={one} path="/attribute_mapping" />}
      </Answer>
    </PageFrame>
  );
}

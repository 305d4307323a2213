//! Small vectors in checkpoints: written and read as any list. For `#[serde(with = "lists")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::{Array, SmallVec};

pub(super) fn serialize<A: Array, S: Serializer>(list: &SmallVec<A>, serializer: S) -> Result<S::Ok, S::Error>
where
    A::Item: Serialize,
{
    list.as_slice().serialize(serializer)
}

pub(super) fn deserialize<'de, A: Array, D: Deserializer<'de>>(deserializer: D) -> Result<SmallVec<A>, D::Error>
where
    A::Item: Deserialize<'de>,
{
    Vec::deserialize(deserializer).map(SmallVec::from_vec)
}

namespace Dolmen.Inference;

/// <summary>What a text adds to the next pass.</summary>
internal readonly record struct PlannedSlice(GeneratingSequence Sequence, SequenceSlice Slice);

namespace Dolmen.Modeling;

/// <summary>Numbers that a training run carries from step to step: weights, moments, averages. A checkpoint keeps them by name.</summary>
public sealed record NamedState(string Name, Func<Span<float>> Values);

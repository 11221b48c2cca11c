namespace Dolmen.Tests.Fakes;

/// <summary>Tests that change what libtorch has only once for a process, such as the library of its fp32 products: while others compute,
/// their bits would change.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessSettings
{
    public const string Name = "process settings";
}

namespace Dolmen.Artifacts;

/// <param name="Name">Relative to what the user named, with forward slashes: the same on every machine.</param>
/// <param name="Dump">The collection it belongs to: a reference pack and its version, or the input's name.</param>
public sealed record InputFile(string Path, string Name, string Dump);

namespace Dolmen.Artifacts;

/// <summary>Where a long piece of work stands. <paramref name="Total"/> is 0 while unknown; <paramref name="Detail"/> is one short
/// line.</summary>
public readonly record struct StageProgress(string Stage, double Done, double Total, string Unit, string Detail = "");

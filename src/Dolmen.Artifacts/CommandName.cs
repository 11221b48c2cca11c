namespace Dolmen.Artifacts;

/// <summary>How the user calls the command: <c>./dolmen</c> in a checkout, whose launcher sets <c>DOLMEN_LAUNCHER</c>, and <c>dolmen</c>
/// where it was installed as a tool.</summary>
public static class CommandName
{
    public static string Shown { get; } = Environment.GetEnvironmentVariable("DOLMEN_LAUNCHER") is { Length: > 0 } ? "./dolmen" : "dolmen";
}

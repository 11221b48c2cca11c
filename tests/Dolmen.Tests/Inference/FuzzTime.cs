using System.Globalization;

namespace Dolmen.Tests.Inference;

/// <summary>How long tests search for damage that breaks something: a number of cases that is always the same, or, with
/// <c>DOLMEN_FUZZ_SECONDS=120</c>, for so many seconds with cases that are new each time.</summary>
internal static class FuzzTime
{
    private static readonly double Seconds = double.Parse(
        Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);

    public static IEnumerable<ulong> Seeds(int cases)
    {
        var started = TimeProvider.System.GetTimestamp();
        var first = Seconds > 0 ? (ulong)started : 0;
        for (var i = 0UL; i < (ulong)cases || TimeProvider.System.GetElapsedTime(started).TotalSeconds < Seconds; i++)
            yield return unchecked(first + i);
    }
}

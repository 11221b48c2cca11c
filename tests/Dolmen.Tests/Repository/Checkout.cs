namespace Dolmen.Tests.Repository;

/// <summary>The sources these tests were built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    /// <summary>C# files people wrote, relative to the root.</summary>
    public static IEnumerable<string> SourceFiles() =>
        new[] { "src", "tests", "benchmarks", "samples" }.Select(folder => Path.Combine(Root, folder)).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Dolmen.slnx"))) return at.FullName;
        }
        throw new InvalidOperationException("These tests run from a checkout: no folder above them holds Dolmen.slnx.");
    }
}

using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Dolmen.Tests.Repository;

/// <summary>The rules of the code base that a reader should be able to rely on.</summary>
public partial class Layout
{
    private const int MostLines = 600;
    private const int MostColumns = 140;
    private static readonly string RawQuotes = new('"', 3);

    private static readonly string[] ForbiddenEndings =
    [
        "Manager",
        "Helper",
        "Helpers",
        "Utils",
        "Util",
        "Utilities",
        "Common",
        "Base",
        "Impl",
        "Service",
        "Info",
        "Data2",
        "New",
        "V2",
        "Ex",
    ];

    /// <summary>Project → what it may reference. The command line may reference all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Artifacts"] = [],
        ["Numerics"] = [],
        ["Checkpoints"] = ["Artifacts"],
        ["Tokenization"] = ["Artifacts"],
        ["Data"] = ["Tokenization", "Artifacts"],
        ["Inference"] = ["Checkpoints", "Tokenization", "Numerics"],
        ["Modeling"] = ["Checkpoints", "Inference", "Numerics"],
        ["Training"] = ["Modeling", "Inference", "Tokenization", "Artifacts"],
        ["Evaluation"] = ["Inference", "Tokenization", "Artifacts"],
        ["Serving"] = ["Inference", "Evaluation", "Artifacts"],
        ["Pipeline"] = ["Data", "Training", "Evaluation", "Tokenization", "Checkpoints", "Inference", "Artifacts"],
    };

    [Fact]
    public void Projects_reference_only_what_the_design_allows()
    {
        var wrong = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var project = Path.GetFileNameWithoutExtension(file)["Dolmen.".Length..];
            if (project == "Cli") continue;
            if (!Allowed.TryGetValue(project, out var allowed))
            {
                wrong.Add($"{project} is in no row of the table");
                continue;
            }
            wrong.AddRange(
                Items(file, "ProjectReference")
                    .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))["Dolmen.".Length..])
                    .Except(allowed)
                    .Select(reference => $"{project} references {reference}")
            );
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Only_modeling_brings_in_TorchSharp()
    {
        var projects = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(file => Items(file, "PackageReference").Contains("TorchSharp")).Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(["Dolmen.Modeling"], projects);
    }

    [Fact]
    public void Files_stay_short_enough_to_read() =>
        Assert.DoesNotContain(Checkout.SourceFiles(), file => File.ReadLines(Path.Combine(Checkout.Root, file)).Count() > MostLines);

    /// <summary>Raw string literals hold other formats' text, whose line breaks mean something: they alone may be longer.</summary>
    [Fact]
    public void Lines_stay_short_enough_to_read()
    {
        var wrong = new List<string>();
        foreach (var file in Checkout.SourceFiles())
        {
            var (number, raw) = (0, false);
            foreach (var line in File.ReadLines(Path.Combine(Checkout.Root, file)))
            {
                number++;
                var marks = line.AsSpan().Count(RawQuotes);
                if (line.Length > MostColumns && !raw && marks == 0) wrong.Add($"{file}:{number} has {line.Length} columns");
                raw ^= marks % 2 == 1;
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Types_are_named_for_their_idea()
    {
        var wrong = Checkout
            .SourceFiles()
            .SelectMany(file =>
                TypeName()
                    .Matches(File.ReadAllText(Path.Combine(Checkout.Root, file)))
                    .Select(match => match.Groups[1].Value)
                    .Where(name => ForbiddenEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))
                    .Select(name => $"{name} in {file}")
            );
        Assert.Empty(wrong);
    }

    [Fact]
    public void Warnings_are_never_switched_off_in_code() =>
        Assert.DoesNotContain(
            Checkout.SourceFiles(),
            file =>
                File.ReadLines(Path.Combine(Checkout.Root, file))
                    .Any(line => line.TrimStart().StartsWith("#pragma", StringComparison.Ordinal))
        );

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(item => item.Attribute("Include")?.Value ?? "");

    [GeneratedRegex(@"^\s*(?:\w+ )*(?:class|record|struct|interface|enum) (?:struct |class )?([A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex TypeName();
}

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

    /// <summary>Project → the projects and packages that it may reference. The command and its package may reference all.</summary>
    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> Allowed = new()
    {
        ["Artifacts"] = ([], ["SharpZipLib", "ZstdSharp.Port"]),
        ["Numerics"] = ([], []),
        ["Templates"] = ([], []),
        ["Tables"] = (["Artifacts"], ["Parquet.Net", "ZstdSharp.Port"]),
        ["Checkpoints"] = (["Artifacts"], []),
        ["Tokenization"] = (
            ["Artifacts", "Templates"],
            [
                "Microsoft.ML.Tokenizers.Data.Cl100kBase",
                "Microsoft.ML.Tokenizers.Data.O200kBase",
                "Microsoft.ML.Tokenizers.Data.R50kBase",
            ]
        ),
        ["Web"] = (["Artifacts"], ["AngleSharp", "SharpZipLib", "UTF.Unknown", "ZstdSharp.Port"]),
        ["Retrieval"] = (["Artifacts"], ["Microsoft.Data.Sqlite"]),
        ["Data"] = (["Web", "Tables", "Tokenization", "Retrieval", "Artifacts"], ["SearchPioneer.Lingua", "ZstdSharp.Port"]),
        ["Inference"] = (["Checkpoints", "Tokenization", "Numerics"], []),
        // SkiaSharp, SharpZipLib and Protobuf pin what TorchSharp asks for to versions that can be had.
        ["Modeling"] = (["Checkpoints", "Inference", "Numerics"], ["TorchSharp", "Google.Protobuf", "SharpZipLib", "SkiaSharp"]),
        ["Training"] = (["Modeling", "Inference", "Tokenization", "Artifacts"], []),
        ["Evaluation"] = (["Inference", "Tokenization", "Retrieval", "Artifacts"], []),
        ["Serving"] = (
            ["Inference", "Evaluation", "Retrieval", "Artifacts"],
            [
                "Microsoft.Extensions.AI.Abstractions",
                "OpenTelemetry.Exporter.OpenTelemetryProtocol",
                "OpenTelemetry.Exporter.Prometheus.AspNetCore",
                "OpenTelemetry.Extensions.Hosting",
            ]
        ),
        ["Pipeline"] = (
            ["Data", "Training", "Evaluation", "Tokenization", "Checkpoints", "Inference", "Retrieval", "Artifacts"],
            []
        ),
    };

    [Fact]
    public void Projects_reference_only_what_the_design_allows()
    {
        var wrong = new List<string>();
        foreach (var file in ProjectFiles())
        {
            var project = ShortName(file);
            if (project is "Cli" or "Tool") continue;
            if (!Allowed.TryGetValue(project, out var allowed))
            {
                wrong.Add($"{project} is in no row of the table");
                continue;
            }
            wrong.AddRange(
                Items(file, "ProjectReference").Select(ShortName).Except(allowed.Projects).Select(other => $"{project} references {other}")
            );
            wrong.AddRange(
                Items(file, "PackageReference").Except(allowed.Packages).Select(package => $"{project} references package {package}")
            );
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_table_of_references_holds_nothing_that_is_not_used()
    {
        var projects = ProjectFiles().ToDictionary(ShortName, file => file);
        Assert.DoesNotContain(Allowed.Keys, project => !projects.ContainsKey(project));
        var unused = Allowed.SelectMany(row =>
            row.Value.Packages.Except(Items(projects[row.Key], "PackageReference")).Select(package => $"{row.Key}: {package}")
        );
        Assert.Empty(unused);
    }

    [Fact]
    public void The_tour_s_table_is_the_one_that_is_held_and_the_README_names_every_project()
    {
        var tour = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "tour.md"));
        var rows = Regex.Matches(tour, @"^\| `Dolmen\.(\w+)` \| .+ \| (.+) \|$", RegexOptions.Multiline)
            .ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value);
        var others = Allowed.ToDictionary(row => row.Key, row => row.Value.Projects is [] ? "-" : string.Join(", ", row.Value.Projects));
        foreach (var program in new[] { "Cli", "Tool" })
        {
            Assert.Equal("all", rows[program]);
            Assert.True(rows.Remove(program));
        }
        Assert.Equal(others.OrderBy(row => row.Key, StringComparer.Ordinal), rows.OrderBy(row => row.Key, StringComparer.Ordinal));
        var tree = File.ReadAllText(Path.Combine(Checkout.Root, "README.md"));
        Assert.All(ProjectFiles(), file => Assert.Contains($"\nsrc/Dolmen.{ShortName(file)}/ ", tree, StringComparison.Ordinal));
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

    private static string[] ProjectFiles() =>
        Directory.GetFiles(Path.Combine(Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories);

    /// <summary>Tokenization for ../Dolmen.Tokenization/Dolmen.Tokenization.csproj.</summary>
    private static string ShortName(string project) =>
        Path.GetFileNameWithoutExtension(project.Replace('\\', '/'))["Dolmen.".Length..];

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(item => item.Attribute("Include")?.Value ?? "");

    [GeneratedRegex(@"^\s*(?:\w+ )*(?:class|record|struct|interface|enum) (?:struct |class )?([A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex TypeName();
}

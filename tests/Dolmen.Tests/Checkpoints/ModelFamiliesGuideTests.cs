using System.Text;
using Dolmen.Checkpoints;
using Dolmen.Tests.Repository;

namespace Dolmen.Tests.Checkpoints;

/// <summary>docs/guides/model-families.md shows the table that the code reads config.json by.</summary>
public class ModelFamiliesGuideTests
{
    private const string Begin = "<!-- families: written by ModelFamiliesGuideTests -->\n";
    private const string End = "<!-- end of families -->\n";

    [Fact]
    public void The_guide_shows_the_table_of_the_code()
    {
        var path = Path.Combine(Checkout.Root, "docs/guides/model-families.md");
        var text = File.ReadAllText(path).ReplaceLineEndings("\n");
        var (start, end) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(start >= Begin.Length && end >= start, "The guide has lost the marks around its tables.");
        var expected = Tables();
        if (Environment.GetEnvironmentVariable("DOLMEN_ACCEPT") == "1") File.WriteAllText(path, text[..start] + expected + text[end..]);
        else Assert.Equal(expected, text[start..end]);
    }

    private static string Tables()
    {
        var text = new StringBuilder();
        foreach (var family in ModelFamilies.All)
        {
            text.Append(
                $"\n### {family.ModelType}\n\n`{family.Architecture}`\n\n| key | treatment | missing means | |\n|---|---|---|---|\n"
            );
            foreach (var key in family.Keys.Where(key => key.Use != KeyUse.Harmless))
            {
                var name = key.Alias is { } alias ? $"`{key.Name}` (also `{alias}`)" : $"`{key.Name}`";
                var values = key.Value is { Length: > 0 } ? $"`{key.Value}`" : "";
                text.Append(key.Use == KeyUse.Honoured
                    ? $"| {name} | honoured | {values} | {key.Note} |\n"
                    : $"| {name} | {(values.Length == 0 ? "checked" : $"refused unless {values}")} | | {key.Note} |\n");
            }
            var harmless = family.Keys.Where(key => key.Use == KeyUse.Harmless).Select(key => $"`{key.Name}`").ToArray();
            if (harmless.Length > 0) text.Append($"\nIgnored because harmless: {string.Join(", ", harmless)}.\n");
        }
        text.Append("\n### Ignored in every family because harmless\n\n");
        text.Append($"{string.Join(", ", ModelFamilies.HarmlessEverywhere.Select(key => $"`{key}`"))}.\n");
        text.Append("\n### Refused where a family does not have them\n\n| key | taken if null, false, empty or |\n|---|---|\n");
        foreach (var (key, values) in ModelFamilies.NeutralElsewhere)
            text.Append($"| `{key}` | {(values.Length == 0 ? "" : $"`{values}`")} |\n");
        text.Append("\n### Kinds of rotary scaling and their keys\n\n| `rope_type` | keys besides `rope_theta` |\n|---|---|\n");
        foreach (var (kind, keys) in ModelFamilies.ScalingKinds)
            text.Append($"| `{kind}` | {string.Join(", ", keys.Select(key => $"`{key}`"))} |\n");
        text.Append($"\n### Activations\n\n{string.Join(", ", ActivationNames.All.Select(name => $"`{name}`"))}.\n\n");
        return text.ToString();
    }
}

using System.CommandLine;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

/// <summary>The options by which generate and chat hold a text to a form.</summary>
internal sealed class FormFlags
{
    private const long LargestFile = 1 << 20;

    private readonly Option<string?> _schema = new("--json-schema")
    {
        Description = "Write only JSON that is valid under the schema in this file; '{}' is any JSON.", HelpName = "FILE",
    };
    private readonly Option<string?> _regex = new("--regex")
    {
        Description = "Write only a text that this regular expression matches as a whole.", HelpName = "PATTERN",
    };
    private readonly Option<string[]> _choice = new("--choice")
    {
        Description = "Write only this text, or another one given so. May be repeated.",
        HelpName = "TEXT",
        AllowMultipleArgumentsPerToken = false,
    };
    private readonly Option<string?> _grammar = new("--grammar")
    {
        Description = "Write only a text of the grammar in this file, in llama.cpp's GBNF.", HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_schema, _regex, _choice, _grammar]) command.Add(option);
    }

    /// <exception cref="UserErrorException">More than one form is asked for.</exception>
    public void Check(ParseResult parsed)
    {
        Option[] given = [.. ((Option[])[_schema, _regex, _choice, _grammar])
            .Where(option => parsed.GetResult(option) is { Implicit: false })];
        if (given.Length > 1)
        {
            var names = string.Join(" and ", given.Select(option => option.Name));
            throw new UserErrorException($"{names} cannot be given together: choose one.");
        }
    }

    /// <summary>Null where none is given.</summary>
    /// <exception cref="UserErrorException">A file cannot be read, or what it holds is not understood.</exception>
    public TextConstraint? Read(ParseResult parsed, Tokenizer tokenizer)
    {
        if (parsed.GetValue(_schema) is { } schema)
        {
            using var document = schema == "{}" ? JsonInput.Parse("{}"u8.ToArray(), "--json-schema")
                : JsonInput.ReadFile(schema, LargestFile);
            return TextConstraint.JsonSchema(document.RootElement, tokenizer);
        }
        if (parsed.GetValue(_regex) is { } pattern) return TextConstraint.Regex(pattern, tokenizer);
        if (parsed.GetValue(_grammar) is { } grammar) return TextConstraint.Grammar(Grammar(grammar), tokenizer);
        return parsed.GetValue(_choice) is { Length: > 0 } texts ? TextConstraint.Choice(texts, tokenizer) : null;
    }

    private static string Grammar(string path)
    {
        var length = new FileInfo(RegularFile.Regular(path)).Length;
        if (length > LargestFile) throw new UserErrorException($"The grammar {path} has {length} bytes: at most {LargestFile} are read.");
        return StrictText.DecodeWhole(RegularFile.ReadAllBytes(path), path);
    }
}

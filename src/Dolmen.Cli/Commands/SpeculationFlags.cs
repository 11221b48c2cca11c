using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

/// <summary>The options of guessing several tokens for one pass, which generate, chat and serve share.</summary>
internal sealed class SpeculationFlags
{
    private readonly Option<string> _speculate = new("--speculate")
    {
        Description = "Guess tokens from what followed the same words before and check several at once: on or off. "
            + "Answers are the same either way.",
        HelpName = "on|off", DefaultValueFactory = _ => "on",
    };
    private readonly Option<string?> _draft = new("--draft-model")
    {
        Description = "A smaller model with the same vocabulary that guesses instead; a folder, a run or a .gguf file. "
            + "Answers are the same either way.",
        HelpName = "DIR",
    };

    public SpeculationFlags() => _speculate.AcceptOnlyFromAmong("on", "off");

    public void AddTo(Command command)
    {
        command.Add(_speculate);
        command.Add(_draft);
    }

    /// <summary>What was asked for; its draft model is the caller's to dispose of.</summary>
    public Speculation? Read(ParseResult parsed, Tokenizer tokenizer, int? threads)
    {
        if (parsed.GetValue(_draft) is { } path)
        {
            var (draft, vocabulary) = ModelFolder.Load(path, threads);
            try
            {
                DraftVocabulary.Check(tokenizer, draft, vocabulary);
            }
            catch
            {
                draft.Dispose();
                throw;
            }
            return new Speculation { DraftModel = draft };
        }
        return parsed.GetValue(_speculate) == "on" ? new Speculation() : null;
    }

    /// <exception cref="UserErrorException">There is one draft model for several models.</exception>
    public void Check(ParseResult parsed, int models)
    {
        if (parsed.GetValue(_draft) is { } path && models > 1)
        {
            throw new UserErrorException($"--draft-model is '{path}' and {models} models are served: a draft model guesses for one. "
                + "Leave it out, or serve that model alone.");
        }
    }

    /// <summary>The served model with what was asked for; the draft model then belongs to it.</summary>
    public ServedModel AddTo(ServedModel served, ParseResult parsed, int? threads)
    {
        try
        {
            return served with { Speculation = Read(parsed, served.Tokenizer, threads) };
        }
        catch
        {
            served.Model.Dispose();
            throw;
        }
    }
}

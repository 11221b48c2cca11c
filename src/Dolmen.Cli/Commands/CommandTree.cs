using System.CommandLine;

namespace Dolmen.Cli.Commands;

/// <summary>Every verb, in the order of the flow. The help text is a golden file: a new verb or option is a decision.</summary>
internal static class CommandTree
{
    public static IEnumerable<Command> All =>
    [
        QuickstartCommand.Build(),
        RunCommand.Build(),
        CorpusCommand.Build(),
        TokenizerCommand.Build(),
        TokensCommand.Build(),
        ModelCommand.Build(),
        AlignCommand.Build(),
        EvalCommand.Build(),
        RunsCommand.Build(),
        GenerateCommand.Build(),
        ChatCommand.Build(),
        ServeCommand.Build(),
#if !TOOL_PACKAGE
        BenchCommand.Build(),
#endif
        DoctorCommand.Build(),
        RecipeCommand.Build(),
    ];
}

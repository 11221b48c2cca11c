using System.CommandLine;
using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Cli.Commands;

internal static class RecipeCommand
{
    public static Command Build() =>
        new("recipe", "Built-in recipes: list, copy, check, and their schema.") { List(), Copy(), Check(), Schema() };

    private static Command List()
    {
        var command = new Command("ls", "List the built-in recipes.");
        command.Runs((_, _) =>
        {
            foreach (var name in BuiltInRecipes.Names) Console.Out.WriteLine($"{name,-26} {BuiltInRecipes.Describe(name)}");
        });
        return command;
    }

    private static Command Copy()
    {
        var name = new Argument<string>("NAME") { Description = "A built-in recipe." };
        var file = new Argument<string>("FILE") { Description = "Where the copy goes: a new file, .jsonc by custom." };
        var command = new Command("copy", "Copy a built-in recipe, comments and all, to edit it.") { name, file };
        command.Runs(
            (parsed, _) =>
            {
                var (from, to) = (parsed.GetRequiredValue(name), Path.GetFullPath(parsed.GetRequiredValue(file)));
                var text =
                    BuiltInRecipes.Find(from)
                    ?? throw new UserErrorException(
                        $"there is no built-in recipe '{from}': there are {string.Join(", ", BuiltInRecipes.Names)}."
                    );
                if (File.Exists(to) || Directory.Exists(to))
                    throw new UserErrorException($"{to} exists: nothing was written. Name a new file.");
                if (!Directory.Exists(Path.GetDirectoryName(to)))
                    throw new UserErrorException($"there is no folder {Path.GetDirectoryName(to)}: create it first.");
                AtomicFile.WriteText(to, text);
                var use = string.Format(CultureInfo.InvariantCulture, RecipeKind.Of(from).Use, parsed.GetRequiredValue(file));
                Console.Error.WriteLine($"{to} written. Edit it, then: {CommandName.Shown} {use}");
            }
        );
        return command;
    }

    private static Command Check()
    {
        var recipe = new Argument<string>("RECIPE") { Description = "A recipe file, or a built-in recipe's name." };
        var set = CommonOptions.Set();
        var command = new Command("check", "Say all that is wrong with a recipe without running it.") { recipe, set };
        command.Runs((parsed, _) =>
        {
            var name = parsed.GetRequiredValue(recipe);
            var kind = RecipeKind.Of(name);
            kind.Check(name, parsed.GetValue(set) ?? []);
            Console.Error.WriteLine($"{name} is a valid recipe of a {kind.Name}.");
        });
        return command;
    }

    private static Command Schema()
    {
        var kind = new Argument<string>("KIND") { Description = "pipeline, corpus or mixture.", DefaultValueFactory = _ => "pipeline" };
        kind.AcceptOnlyFromAmong([.. RecipeKind.All.Select(known => known.Name)]);
        var command = new Command("schema", "Print the JSON Schema of recipes, for editors.") { kind };
        command.Runs((parsed, _) =>
            Console.Out.WriteLine(RecipeFile.Schema(RecipeKind.All.First(known => known.Name == parsed.GetRequiredValue(kind)))));
        return command;
    }
}

using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Inference;

namespace Dolmen.Cli.Commands;

internal static class GenerateCommand
{
    public static Command Build()
    {
        var command = new Command("generate", "Continue a text.");
        var (model, threads, json) = (CommonOptions.Model(), CommonOptions.Threads(), CommonOptions.Json());
        var prompt = new Option<string>("--prompt") { Description = "The text to continue; '-' reads standard input.", HelpName = "TEXT",
            Required = true };
        var flags = new SamplingFlags(temperature: 0.8);
        command.Add(model);
        command.Add(prompt);
        flags.AddTo(command);
        command.Add(threads);
        command.Add(json);
        command.Add(CommonOptions.Strict());
        command.Runs((parsed, stop) =>
        {
            var options = flags.Read(parsed);
            var (loaded, tokenizer) = ModelFolder.Load(parsed.GetRequiredValue(model), parsed.GetValue(threads));
            using var owned = loaded;
            var text = parsed.GetRequiredValue(prompt);
            if (text == "-") text = Console.In.ReadToEnd();
            var asJson = parsed.GetValue(json);
            var generator = new Generator(loaded, tokenizer);
            var result = generator.Generate(tokenizer.EncodePrompt(text), options, asJson ? null : Console.Out.Write,
                stop);
            if (asJson)
            {
                var reason = result.FinishReason == FinishReason.Stop ? "stop" : "length";
                var s = result.Statistics;
                Console.Out.WriteLine(JsonSerializer.Serialize(
                    new GeneratedText(result.Text, reason, s.PrefillTokens, result.Tokens.Length, s.PrefillTokensPerSecond,
                        s.DecodeTokensPerSecond),
                    GenerateCommandJson.Default.GeneratedText));
                return;
            }
            Console.Out.WriteLine();
            Console.Error.WriteLine(Speeds(result.Statistics));
        });
        return command;
    }

    internal static string Speeds(GenerationStatistics s) =>
        $"prefill {s.PrefillTokens} tokens, {s.PrefillTokensPerSecond:N0}/s · decode {s.DecodeTokens} tokens, " +
            $"{s.DecodeTokensPerSecond:N0}/s";
}

internal sealed record GeneratedText(
    string Text, string FinishReason, int PromptTokens, int CompletionTokens, double PrefillTokensPerSecond, double DecodeTokensPerSecond);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(GeneratedText))]
internal sealed partial class GenerateCommandJson : JsonSerializerContext;

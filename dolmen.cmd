@echo off
rem Builds Dolmen when its sources changed (dotnet decides) and runs the dolmen command.
setlocal
set DOLMEN_LAUNCHER=%~f0
set DOTNET_NOLOGO=1
where dotnet >nul 2>nul || (echo dolmen: no .NET SDK found: install .NET 10 from https://dot.net/download and run this again. 1>&2 & exit /b 1)
set DOTNET_TieredPGO=0
if not defined DOLMEN_NO_BUILD dotnet build "%~dp0src\Dolmen.Cli\Dolmen.Cli.csproj" -c Release --nologo -v quiet ^
  -clp:ErrorsOnly -p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:EmbedAllSources=false 1>&2 || exit /b 1
set DOTNET_TieredPGO=
dotnet exec "%~dp0src\Dolmen.Cli\bin\Release\net10.0\dolmen.dll" %*
exit /b %ERRORLEVEL%

# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
MODELS := $(or $(VIVA_MODELS_DIR),$(HOME)/.cache/vivavoce/models)
ASK    ?=

.PHONY: help demo clients test unit check serve weights format bench-listening bench-transcribe bench-languages bench-speed bench-load bench-tools soak docs clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing (a minute or two, once) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,bench,npm]'
	@touch $@

weights: $(STAMP) ## Fetch the weights of both profiles (about 1.6 GB, once)
	@$(BIN)/viva models pull whisper-base qwen2.5-coder-1.5b kokoro-82m kokoro-voices piper-joe whisper-tiny smollm2-135m pyannote-segmentation-3.0 campplus-zh-en

demo: $(STAMP) ## A spoken question in, a spoken answer out (ASK=question.wav for your own)
	@$(BIN)/viva models pull
	@$(BIN)/python examples/demo.py $(ASK)

clients: $(STAMP) # the JavaScript client that tests drive, and what checks pages, into the cache
	@$(BIN)/python tests/clients/node_clients.py > /dev/null

test: $(STAMP) weights clients ## The whole suite, with real weights
	@VIVA_OFFLINE=1 $(BIN)/python -m pytest --ignore tests/clients
	@echo "The clients, where there is no way out:"
	@VIVA_OFFLINE=1 $(BIN)/python tools/without_network.py $(BIN)/python -m pytest tests/clients

unit: $(STAMP) ## The suite on scripted engines: no weights, under 30 s
	@$(BIN)/python -m pytest -q -m "not real and not shared and not slow" \
		--ignore tests/clients --ignore tests/codec --ignore tests/fuzz --ignore tests/models

check: $(STAMP) ## ruff, pyright (strict), import-linter, and TypeScript over the scripts of the pages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_javascript.py

serve: $(STAMP) ## Serve on 127.0.0.1:8080 with the default profile
	@$(BIN)/viva models pull
	@$(BIN)/viva serve

bench-listening: $(STAMP) ## Our listening against stock faster-whisper (needs ../shared/speech)
	@$(BIN)/viva bench listening

bench-transcribe: $(STAMP) ## An hour of joined recordings against faster-whisper's batched pipeline (needs ../shared/speech)
	@$(BIN)/viva bench transcribe

bench-languages: $(STAMP) ## How well each language is heard and spoken; then `make docs` (hearing needs ../shared/speech)
	@$(BIN)/viva bench languages --out docs/languages.json

bench-speed: $(STAMP) ## How soon spoken questions are answered, against the plain way (an hour); then `make docs`
	@VIVA_SPEAK=kokoro:kokoro-82m,piper:piper-joe,espeak:ng $(BIN)/viva bench speed --against plain \
		--voice alloy --voice piper-joe --out docs/speed.json
	@$(BIN)/viva bench speed --scripted --out docs/speed.json

bench-load: $(STAMP) ## What the server does from half of its capacity to four times it (ten minutes)
	@$(BIN)/viva bench load

bench-tools: $(STAMP) ## Right tool and right arguments, typed and spoken; what tools cost the first sound (ten minutes)
	@$(BIN)/viva bench tools

soak: $(STAMP) weights ## 2,000 mixed requests on the tiny profile: the server must end as it began (about 25 min)
	@$(BIN)/python tools/soak.py

format: $(STAMP) ## Let ruff put the code in order
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

docs: $(STAMP) ## Make the generated pages anew
	@$(BIN)/python -m vivavoce.settings_page > docs/settings.md
	@$(BIN)/python -c "from vivavoce.speak.voices import voices_page; print(voices_page(), end='')" > docs/voices.md
	@$(BIN)/python -m vivavoce.models.page docs/models.md
	@$(BIN)/python -m vivavoce.telemetry.pages docs/operations
	@$(BIN)/python -m vivavoce.bench.languages_page docs/languages.json > docs/languages.md
	@$(BIN)/python -m vivavoce.bench.speed_page docs
	@$(BIN)/python -m vivavoce.exam.page > docs/exams/methodology.md
	@$(BIN)/python tools/exam_pages.py
	@$(BIN)/python tools/compatibility.py
	@$(BIN)/python tools/readme_tree.py

clean: ## Remove the environment and caches, not the weights
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

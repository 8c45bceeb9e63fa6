import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { Appearance } from './appearance';
import { newQueryClient, QueryClientProvider } from './broker/session';
import { Console } from './console/Console';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');

createRoot(root).render(
  <StrictMode>
    <Appearance>
      <QueryClientProvider client={newQueryClient()}>
        <BrowserRouter>
          <Console />
        </BrowserRouter>
      </QueryClientProvider>
    </Appearance>
  </StrictMode>,
);
